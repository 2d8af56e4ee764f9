package expo.modules

object BuildConfig {
  const val DEBUG = false
}
