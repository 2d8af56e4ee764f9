package dev.hotpatch.android

import android.content.pm.ApplicationInfo
import android.content.pm.PackageInfo
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows
import org.robolectric.annotation.Config
import org.robolectric.util.ReflectionHelpers

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "de-rAT")
class AndroidHostTest {
  private val context = RuntimeEnvironment.getApplication()
  private val shadow = Shadows.shadowOf(context.packageManager)

  private fun host(configuration: NativeConfiguration = NativeConfiguration(), onRestart: () -> Unit = {}) =
    AndroidHost(context, configuration, onRestart)

  private fun install(change: PackageInfo.() -> Unit) =
    shadow.getInternalMutablePackageInfo(context.packageName).change()

  @Test
  fun `version and build are those of the package`() {
    install {
      versionName = "1.2.3"
      longVersionCode = (1L shl 32) + 7
    }
    assertEquals("1.2.3", host().nativeVersion)
    assertEquals("4294967303", host().nativeBuild)
  }

  @Test
  fun `a package without a version is one all the same`() {
    install { versionName = null }
    assertEquals("0", host().nativeVersion)
  }

  @Test
  fun `what the build wrote down is handed on`() {
    val host = host(NativeConfiguration(runtimeVersion = "7", builtAt = 5))
    assertEquals("7", host.runtimeVersion)
    assertEquals(5L, host.builtAt)
  }

  @Test
  fun `the phone is described in the words of the other SDKs`() {
    val host = host()
    assertEquals("android", host.platform)
    assertEquals("14", host.osVersion)
    assertEquals("de-AT", host.locale)
    assertNull(host.installSource)
    shadow.setInstallSourceInfo(context.packageName, null, "com.android.vending")
    assertEquals("google_play", host().installSource)
  }

  @Test
  fun `processors are named as elsewhere`() {
    val names = mapOf("arm64-v8a" to "arm64", "armeabi-v7a" to "arm", "x86_64" to "x64", "riscv64" to "riscv64")
    for ((abi, name) in names) {
      ReflectionHelpers.setStaticField(android.os.Build::class.java, "SUPPORTED_ABIS", arrayOf(abi, "x86"))
      assertEquals(name, host().architecture)
    }
  }

  @Test
  fun `a debuggable binary is not one that users have`() {
    context.applicationInfo.flags = context.applicationInfo.flags or ApplicationInfo.FLAG_DEBUGGABLE
    assertEquals(false, host().isProduction)
    context.applicationInfo.flags = context.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE.inv()
    assertEquals(true, host().isProduction)
  }

  @Test
  fun `a restart is asked of who built it`() {
    var restarts = 0
    host { restarts += 1 }.restart()
    assertEquals(1, restarts)
  }
}
