package dev.hotpatch.reactnative

import android.content.Context
import android.content.res.AssetManager
import com.facebook.react.bridge.JSBundleLoader
import com.facebook.react.bridge.JSBundleLoaderDelegate
import dev.hotpatch.android.EMBEDDED_BUNDLE
import java.lang.reflect.Field

private const val EMBEDDED_URL = "assets://$EMBEDDED_BUNDLE"
private const val DELEGATE = "com.facebook.react.runtime.ReactHostDelegate"

/**
 * Has what loads JavaScript load [bundle] the next time, null being what the binary shipped with. React Native reads that
 * once and has no method to change it; hosts of others ask for it each time. So the field is written where there is one, and
 * then the loader is asked what it would load: nothing rests on how a host is built.
 *
 * @param holder a ReactHost, or a ReactInstanceManager of the old architecture
 * @return false when it would still load something else
 */
internal fun switchBundle(holder: Any, context: Context, bundle: String?): Boolean = try {
  val keeper = fieldOf(holder, DELEGATE)?.get(holder) ?: holder
  val wanted = bundle ?: EMBEDDED_URL
  isSetTo(keeper, wanted) || (write(keeper, loaderOf(context, bundle)) && isSetTo(keeper, wanted))
} catch (_: ReflectiveOperationException) {
  false
} catch (_: RuntimeException) {
  false // What a host of somebody else throws when it is asked.
}

private fun loaderOf(context: Context, bundle: String?): JSBundleLoader =
  if (bundle == null) JSBundleLoader.createAssetLoader(context, EMBEDDED_URL, false)
  else JSBundleLoader.createFileLoader(bundle)

private fun isSetTo(keeper: Any, wanted: String): Boolean {
  val getter = keeper.javaClass.methods.find { it.returnType == JSBundleLoader::class.java && it.parameterCount == 0 }
  getter?.isAccessible = true
  val loader = (getter?.invoke(keeper) ?: fieldOf(keeper, JSBundleLoader::class.java.name)?.get(keeper)) as JSBundleLoader?
  return loader != null && Probe().also { loader.loadScript(it) }.url == wanted
}

private fun write(keeper: Any, loader: JSBundleLoader): Boolean {
  val field = fieldOf(keeper, JSBundleLoader::class.java.name) ?: return false
  field.set(keeper, loader)
  return true
}

private fun fieldOf(owner: Any, type: String): Field? =
  generateSequence<Class<*>>(owner.javaClass) { it.superclass }
    .flatMap { it.declaredFields.asSequence() }
    .find { it.type.name == type }
    ?.apply { isAccessible = true }

/** Loads nothing. */
private class Probe : JSBundleLoaderDelegate {
  var url: String? = null

  override fun loadScriptFromAssets(assetManager: AssetManager, assetURL: String, loadSynchronously: Boolean) {
    url = assetURL
  }

  override fun loadScriptFromFile(fileName: String, sourceURL: String, loadSynchronously: Boolean) {
    url = fileName
  }

  override fun loadSplitBundleFromFile(fileName: String, sourceURL: String) = Unit

  override fun setSourceURLs(deviceURL: String, remoteURL: String) = Unit
}
