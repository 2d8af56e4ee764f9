package dev.hotpatch.reactnative

import android.content.Context
import android.util.Log
import dev.hotpatch.android.AndroidHost
import dev.hotpatch.android.DeviceMemory
import dev.hotpatch.android.NativeConfiguration
import dev.hotpatch.android.NativeConfigurationException
import dev.hotpatch.android.readNativeConfiguration

private const val NOT_ASKED =
  "this app's MainApplication does not ask HotPatch.bundleFile(context) for the bundle, so no update could ever run"

/** What an app's `MainApplication` asks. */
object HotPatch {
  private var updates: Updates? = null
  private var off: String? = null

  /** For the fallback of a mandatory update: the module of the JavaScript that runs. */
  @Volatile internal var onRestart: (() -> Unit)? = null

  /**
   * The file of the bundle that this start runs, or null for what the binary shipped with: for `jsBundleFilePath` of
   * `getDefaultReactHost`, and for `getJSBundleFile` of a `ReactNativeHost`. The first call in a process makes the choice,
   * before React is there, and counts it; others give the same, until a restart.
   */
  @JvmStatic
  @Synchronized
  fun bundleFile(context: Context): String? {
    val running = updates
    if (running != null) return running.session.bundle
    if (off != null) return null
    return try {
      begin(context.applicationContext ?: context)
    } catch (error: NativeConfigurationException) {
      turnOff(error.message.orEmpty(), null)
    } catch (error: Throwable) {
      // Whatever it is: an app that starts is worth more than one that updates.
      turnOff("HotPatch could not be started: $error", error)
    }
  }

  private fun begin(context: Context): String? {
    val begun = createUpdates(context, readNativeConfiguration(context)) { onRestart?.invoke() }
    begun.begin(isInBackground())
    updates = begun
    // It comes after those of the system and of crash reporters that are there already, which go on.
    val before = Thread.getDefaultUncaughtExceptionHandler()
    Thread.setDefaultUncaughtExceptionHandler(CrashHandler(before) { begun.session.let { if (!it.isOver) it.engine.crashed() } })
    return begun.session.bundle
  }

  private fun turnOff(reason: String, error: Throwable?): String? {
    off = reason
    Log.e(TAG, "$reason Updates are off, and what the binary shipped with runs.", error)
    return null
  }

  /** For the JavaScript that is being loaded. */
  @Synchronized
  internal fun calls(context: Context): UpdateCalls {
    updates?.let { return SessionCalls(it, it.session) }
    val reason = off ?: NOT_ASKED
    if (off == null) Log.e(TAG, "Updates are off: $reason.")
    return OffCalls(AndroidHost(context, NativeConfiguration()) {}, null, reason)
  }

  @Synchronized
  internal fun listen(listener: ((dev.hotpatch.engine.ground.EngineEvent) -> Unit)?) {
    updates?.listener = listener
  }
}
