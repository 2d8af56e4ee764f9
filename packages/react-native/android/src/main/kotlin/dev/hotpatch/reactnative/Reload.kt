package dev.hotpatch.reactnative

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.content.Context
import android.content.Intent
import com.facebook.react.ReactApplication
import com.facebook.react.bridge.ReactApplicationContext

/** Loads JavaScript again, in the main thread. */
internal interface Reload {
  /** @return false when this app cannot do it: what was chosen waits for the next start */
  fun load(bundle: String?): Boolean
}

/** Within the process where the host can be told of the bundle, else with the process. */
internal class ReactReload(private val react: ReactApplicationContext) : Reload {
  override fun load(bundle: String?): Boolean {
    val application = react.applicationContext as? ReactApplication
    return (application != null && reloadWithin(application, bundle)) || restartProcess(react)
  }

  private fun reloadWithin(application: ReactApplication, bundle: String?): Boolean {
    // An app of the old architecture may have a ReactHost as well, which it does not use.
    if (react.isBridgeless) {
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
private fun restartProcess(context: Context): Boolean {
  val component = context.packageManager.getLaunchIntentForPackage(context.packageName)?.component
  if (component == null || isInBackground()) return false
  context.startActivity(Intent.makeRestartActivityTask(component).setPackage(context.packageName))
  Runtime.getRuntime().exit(0)
  return true
}

/** Whether nobody sees this process: it was started for a message or a job. */
internal fun isInBackground(): Boolean {
  val state = RunningAppProcessInfo()
  ActivityManager.getMyMemoryState(state)
  return state.importance > RunningAppProcessInfo.IMPORTANCE_VISIBLE
}
