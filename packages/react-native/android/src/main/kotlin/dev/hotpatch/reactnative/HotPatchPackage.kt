package dev.hotpatch.reactnative

import com.facebook.react.BaseReactPackage
import com.facebook.react.bridge.NativeModule
import com.facebook.react.bridge.ReactApplicationContext
import com.facebook.react.module.model.ReactModuleInfo
import com.facebook.react.module.model.ReactModuleInfoProvider

/** What autolinking adds to an app. */
class HotPatchPackage : BaseReactPackage() {
  override fun getModule(name: String, reactContext: ReactApplicationContext): NativeModule? =
    if (name == NativeHotPatchSpec.NAME) HotPatchModule(reactContext) else null

  override fun getReactModuleInfoProvider() = ReactModuleInfoProvider {
    val name = NativeHotPatchSpec.NAME
    val isTurboModule = true
    mapOf(name to ReactModuleInfo(name, HotPatchModule::class.java.name, false, false, false, isTurboModule))
  }
}
