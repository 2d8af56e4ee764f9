package dev.hotpatch.reactnative

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.content.Context
import android.content.Intent
import android.os.Handler
import android.os.Looper
import android.util.Log
import com.facebook.react.ReactApplication
import com.facebook.react.bridge.ReactApplicationContext
import java.util.concurrent.ExecutionException
import java.util.concurrent.FutureTask

/** Loads JavaScript again. */
internal interface Reload {
  /** Whether there is a way to do it at all; asked before anything is chosen. */
  fun isPossible(): Boolean

  /** Blocks. @return false when it did not work after all */
  fun load(bundle: String?): Boolean
}

/** Within the process where the host can be told of the bundle, else with the process. */
internal class ReactReload(private val react: ReactApplicationContext) : Reload {
  private val application get() = react.applicationContext as? ReactApplication

  override fun isPossible(): Boolean = application != null || canRestartProcess(react)

  override fun load(bundle: String?): Boolean = inMainThread {
    application?.let { reloadWithin(it, bundle) } == true || restartProcess(react)
  }

  private fun reloadWithin(application: ReactApplication, bundle: String?): Boolean {
    // An app of the old architecture may have a ReactHost as well, which it does not use.
    @Suppress("DEPRECATION") val isOfNewArchitecture = react.isBridgeless
    if (isOfNewArchitecture) {
      val host = application.reactHost ?: return false
      if (!switchBundle(host, react.applicationContext, bundle)) return false
      host.reload("HotPatch: another bundle was chosen")
      return true
    }
    @Suppress("DEPRECATION") val manager = application.reactNativeHost.reactInstanceManager
    if (!switchBundle(manager, react.applicationContext, bundle)) return false
    manager.recreateReactContextInBackground()
    return true
  }
}

/** Only of an app that is shown: the system starts no activity for others, and the app would be gone. */
private fun canRestartProcess(context: Context): Boolean = launcherOf(context) != null && !isInBackground()

private fun restartProcess(context: Context): Boolean {
  val launcher = launcherOf(context)
  if (launcher == null || isInBackground()) return false
  context.startActivity(Intent.makeRestartActivityTask(launcher).setPackage(context.packageName))
  Runtime.getRuntime().exit(0)
  return true
}

private fun launcherOf(context: Context) =
  context.packageManager.getLaunchIntentForPackage(context.packageName)?.component

private fun inMainThread(work: () -> Boolean): Boolean {
  val task = FutureTask(work)
  Handler(Looper.getMainLooper()).post(task)
  return try {
    task.get()
  } catch (error: ExecutionException) {
    Log.e(TAG, "JavaScript could not be loaded again.", error.cause)
    false
  }
}

/** Whether nobody sees this process: it was started for a message or a job. */
internal fun isInBackground(): Boolean {
  val state = RunningAppProcessInfo()
  ActivityManager.getMyMemoryState(state)
  return state.importance > RunningAppProcessInfo.IMPORTANCE_VISIBLE
}
