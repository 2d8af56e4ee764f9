package com.facebook.react.bridge

import android.app.Activity
import java.util.concurrent.CopyOnWriteArrayList

interface ReactContext {
  val currentActivity: Activity?
}

enum class ReactMarkerConstants {
  CONTENT_APPEARED,
  RUN_JS_BUNDLE_END,
}

object ReactMarker {
  fun interface MarkerListener {
    fun logMarker(name: ReactMarkerConstants, tag: String?, instanceKey: Int)
  }

  private val listeners = CopyOnWriteArrayList<MarkerListener>()

  @JvmStatic
  fun addListener(listener: MarkerListener) {
    listeners.addIfAbsent(listener)
  }

  @JvmStatic
  fun removeListener(listener: MarkerListener) {
    listeners.remove(listener)
  }

  @JvmStatic
  fun logMarker(name: ReactMarkerConstants) = listeners.forEach { it.logMarker(name, null, 0) }

  /** As the end of a process does. */
  fun forgetListeners() = listeners.clear()
}
