package dev.hotpatch.android

import android.content.Context
import android.content.pm.ApplicationInfo
import android.content.pm.PackageInfo
import android.content.pm.PackageManager
import android.os.Build
import dev.hotpatch.engine.ground.HostPort
import java.util.Locale

/** What the system says of the app and the phone, once. */
class AndroidHost(context: Context, configuration: NativeConfiguration, private val onRestart: () -> Unit) : HostPort {
  private val installed = context.packageManager.getPackageInfo(context.packageName, 0)

  // A package without one has a name all the same, by which releases can be told apart from it.
  override val nativeVersion: String = installed.versionName ?: "0"
  override val nativeBuild: String = versionCodeOf(installed).toString()
  override val runtimeVersion: String? = configuration.runtimeVersion
  override val builtAt: Long? = configuration.builtAt
  override val platform = "android"
  override val osVersion: String? = Build.VERSION.RELEASE
  override val model: String? = Build.MODEL
  override val locale: String? = Locale.getDefault().toLanguageTag()
  override val architecture: String? = Build.SUPPORTED_ABIS.firstOrNull()?.let(::architectureOf)
  override val sdkVersion = SDK_VERSION
  override val isEmulator = isEmulator()
  override val isProduction = !isDebuggable(context)
  override val installSource: String? = installSourceOf(context)

  override fun restart() = onRestart()
}

/** Of this package; a test holds it against package.json. */
const val SDK_VERSION = "0.1.0"

fun isDebuggable(context: Context): Boolean =
  context.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0

private fun versionCodeOf(installed: PackageInfo): Long =
  if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) installed.longVersionCode
  else @Suppress("DEPRECATION") installed.versionCode.toLong()

/** In the words of the other SDKs. */
private fun architectureOf(abi: String): String = when (abi) {
  "arm64-v8a" -> "arm64"
  "armeabi-v7a", "armeabi" -> "arm"
  "x86_64" -> "x64"
  else -> abi
}

private fun isEmulator(): Boolean =
  Build.FINGERPRINT.startsWith("generic") || Build.HARDWARE in listOf("goldfish", "ranchu")

private fun installSourceOf(context: Context): String? {
  val installer = try {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
      context.packageManager.getInstallSourceInfo(context.packageName).installingPackageName
    } else @Suppress("DEPRECATION") context.packageManager.getInstallerPackageName(context.packageName)
  } catch (_: PackageManager.NameNotFoundException) {
    null
  }
  return if (installer == "com.android.vending") "google_play" else installer
}
