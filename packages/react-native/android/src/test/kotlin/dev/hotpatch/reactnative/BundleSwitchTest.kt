@file:Suppress("DEPRECATION") // Of the old architecture, which apps still have.

package dev.hotpatch.reactnative

import com.facebook.react.ReactInstanceManager
import com.facebook.react.bridge.JSBundleLoader
import com.facebook.react.bridge.JSBundleLoaderDelegate
import com.facebook.react.common.annotations.UnstableReactNativeAPI
import com.facebook.react.defaults.DefaultReactHostDelegate
import com.facebook.react.runtime.ReactHostImpl
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import sun.misc.Unsafe

/** React Native's own classes, as they are in an app; without their constructors, which load its C++. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
@OptIn(UnstableReactNativeAPI::class)
class BundleSwitchTest {
  private val context = RuntimeEnvironment.getApplication()
  private val unsafe = Unsafe::class.java.getDeclaredField("theUnsafe").apply { isAccessible = true }.get(null) as Unsafe

  private fun <T> bare(type: Class<T>): T = type.cast(unsafe.allocateInstance(type))

  private fun set(owner: Any, type: Class<*>, name: String, value: Any) =
    type.getDeclaredField(name).apply { isAccessible = true }.set(owner, value)

  private fun fileLoader(path: String): JSBundleLoader = JSBundleLoader.createFileLoader(path)

  @Test
  fun `React Native's host loads another bundle from then on, and what the binary shipped with`() {
    val delegate = bare(DefaultReactHostDelegate::class.java)
    set(delegate, DefaultReactHostDelegate::class.java, "jsBundleLoader", fileLoader("/old"))
    val host = bare(ReactHostImpl::class.java)
    set(host, ReactHostImpl::class.java, "reactHostDelegate", delegate)
    assertTrue(switchBundle(host, context, "/data/ota/bundle/index.android.bundle"))
    assertEquals("/data/ota/bundle/index.android.bundle", urlOf(delegate.jsBundleLoader))
    assertTrue(switchBundle(host, context, null))
    assertEquals("assets://index.android.bundle", urlOf(delegate.jsBundleLoader))
  }

  @Test
  fun `so does the manager of the old architecture`() {
    val manager = bare(ReactInstanceManager::class.java)
    set(manager, ReactInstanceManager::class.java, "mBundleLoader", fileLoader("/old"))
    assertTrue(switchBundle(manager, context, "/new"))
    val field = ReactInstanceManager::class.java.getDeclaredField("mBundleLoader").apply { isAccessible = true }
    assertEquals("/new", urlOf(field.get(manager) as JSBundleLoader))
  }

  private class AskingHost(var bundle: String) {
    val jsBundleLoader: JSBundleLoader get() = JSBundleLoader.createFileLoader(bundle)
  }

  @Test
  fun `a host that asks each time needs no change, and is not believed when it asks for something else`() {
    val host = AskingHost("/new")
    assertTrue(switchBundle(host, context, "/new"))
    assertFalse(switchBundle(host, context, "/other"))
  }

  private class ThrowingHost {
    @Suppress("unused") val jsBundleLoader: JSBundleLoader get() = error("not now")
  }

  @Test
  fun `what is no host is none`() {
    assertFalse(switchBundle("a text", context, "/new"))
    assertFalse(switchBundle(ThrowingHost(), context, "/new"))
  }

  private fun urlOf(loader: JSBundleLoader): String? {
    var url: String? = null
    loader.loadScript(object : JSBundleLoaderDelegate {
      override fun loadScriptFromAssets(assetManager: android.content.res.AssetManager, assetURL: String, loadSynchronously: Boolean) {
        url = assetURL
      }

      override fun loadScriptFromFile(fileName: String, sourceURL: String, loadSynchronously: Boolean) {
        url = fileName
      }

      override fun loadSplitBundleFromFile(fileName: String, sourceURL: String) = Unit

      override fun setSourceURLs(deviceURL: String, remoteURL: String) = Unit
    })
    return url
  }
}
