package expo.modules.updates.reloadscreen

import android.app.Activity

class ReloadScreenManager {
  fun show(@Suppress("UNUSED_PARAMETER") activity: Activity?) = Unit
}
