package expo.modules.updates

/** As a release is built. */
object BuildConfig {
  const val DEBUG = false
  const val EX_UPDATES_ANDROID_DELAY_LOAD_APP = true
  const val EX_UPDATES_COPY_EMBEDDED_ASSETS = false
  const val EX_UPDATES_CUSTOM_INIT = false
  const val EX_UPDATES_NATIVE_DEBUG = false
  const val USE_DEV_CLIENT = false
}

object UpdatesPackage {
  const val isUsingNativeDebug = false
}
