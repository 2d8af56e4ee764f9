package com.facebook.react

import android.app.Activity
import com.facebook.react.common.LifecycleState

interface ReactApplication {
  val reactHost: ReactHost?
}

interface ReactHost {
  val lifecycleState: LifecycleState

  fun onHostResume(activity: Activity?)

  fun reload(reason: String)
}
