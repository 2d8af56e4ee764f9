package dev.hotpatch.reactnative

import dev.hotpatch.android.NativeConfiguration
import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.EdgeConfig
import dev.hotpatch.protocol.UnexpectedJsonException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class UpdateSettingsTest {
  @Test
  fun `JavaScript may say nothing, and what is not known here`() {
    assertEquals(AppConfiguration(), readAppConfiguration("{}"))
    assertEquals(AppConfiguration(), readAppConfiguration("""{"checkOnLaunch":true}"""))
  }

  @Test
  fun `all that JavaScript may say is read`() {
    val text = """{"apiUrl":"https://a.example.com/apps/shop","appId":"app","appKey":"key","channel":"beta",
      "cohorts":["staff"],"deviceId":"me","deviceCredential":true,"restartsWhenMandatory":false}"""
    val expected = AppConfiguration(
      "https://a.example.com/apps/shop", "app", "key", "beta", listOf("staff"), "me", deviceCredential = true,
      restartsWhenMandatory = false,
    )
    assertEquals(expected, readAppConfiguration(text))
  }

  @Test
  fun `a mistake says which field, what was expected and what was found`() {
    val bad = mapOf(
      """{"apiUrl":"updates.example.com"}""" to "/apiUrl: expected an address",
      """{"apiUrl":"https://a.example.com?b"}""" to "/apiUrl: expected an address",
      """{"appId":""}""" to "/appId: expected 1 to 200 characters, found \"\"",
      """{"cohorts":[1]}""" to "/cohorts/0: expected a string, found 1",
      """{"deviceCredential":"yes"}""" to "/deviceCredential: expected true or false",
      """{"deviceId":null}""" to "/deviceId",
      "[]" to "/: expected an object",
      "{" to "/: expected JSON",
    )
    for ((text, message) in bad) {
      val error = assertThrows(text, UnexpectedJsonException::class.java) { readAppConfiguration(text) }
      assertTrue(error.message, error.message.orEmpty().startsWith(message))
    }
  }

  @Test
  fun `what the binary says goes before what JavaScript says, and keys are its own`() {
    val native = NativeConfiguration(
      apiUrl = "https://native.example.com", appId = "native", appKey = "native", publicKeys = listOf("k"),
      decryptionKeys = listOf("d"), allowInsecure = AllowInsecure.LOOPBACK,
    )
    val app = AppConfiguration(apiUrl = "https://app.example.com", appId = "app", appKey = "app", cohorts = listOf("c"))
    val config = checkNotNull(engineConfigOf(native, app, "beta", "device"))
    assertEquals("https://native.example.com", config.serverUrl)
    assertEquals(listOf("native", "native"), listOf(config.appId, config.appKey))
    assertEquals(listOf(listOf("k"), listOf("d"), listOf("c")), listOf(config.publicKeys, config.decryptionKeys, config.cohorts))
    assertEquals(AllowInsecure.LOOPBACK, config.allowInsecure)
    assertEquals("device", config.deviceId)
    assertEquals("me", engineConfigOf(native, app.copy(deviceId = "me"), "beta", "device")?.deviceId)
  }

  @Test
  fun `a server and an app must be known`() {
    val app = AppConfiguration(apiUrl = "https://app.example.com")
    assertNull(engineConfigOf(NativeConfiguration(), app, "beta", "device"))
    assertEquals("app", engineConfigOf(NativeConfiguration(appId = "app"), app, "beta", "device")?.appId)
  }

  @Test
  fun `an edge stands in for a server, and is the binary's alone`() {
    val edge = EdgeConfig("https://cdn.example.com")
    val native = NativeConfiguration(appId = "app", publicKeys = listOf("k"), edge = edge)
    val alone = checkNotNull(engineConfigOf(native, AppConfiguration(), "beta", "device"))
    assertEquals("" to edge, alone.serverUrl to alone.edge)
    val app = AppConfiguration(apiUrl = "https://app.example.com")
    assertEquals("https://app.example.com", engineConfigOf(native, app, "beta", "device")?.serverUrl)
  }

  @Test
  fun `the channel is the one chosen on the device, else JavaScript's, else the binary's`() {
    val native = NativeConfiguration(channel = "native")
    val app = AppConfiguration(channel = "app")
    assertEquals("chosen", channelOf(native, app, "chosen"))
    assertEquals("app", channelOf(native, app, null))
    assertEquals("native", channelOf(native, AppConfiguration(), null))
    assertEquals("production", channelOf(NativeConfiguration(), AppConfiguration(), null))
  }
}
