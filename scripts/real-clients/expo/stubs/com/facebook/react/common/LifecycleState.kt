package com.facebook.react.common

enum class LifecycleState {
  BEFORE_CREATE,
  BEFORE_RESUME,
  RESUMED,
}
