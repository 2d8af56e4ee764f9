package dev.hotpatch.android

import android.os.Bundle
import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.EdgeConfig
import dev.hotpatch.engine.ground.EdgeOrder
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

private const val KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
private const val OTHER_KEY = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class NativeConfigurationTest {
  private fun read(vararg said: Pair<String, Any>): NativeConfiguration {
    val bundle = Bundle()
    for ((name, value) in said) {
      when (value) {
        is String -> bundle.putString(name, value)
        is Boolean -> bundle.putBoolean(name, value)
        is Int -> bundle.putInt(name, value)
      }
    }
    return readNativeConfiguration(bundle)
  }

  private fun mistakes(vararg said: Pair<String, Any>): List<String> =
    assertThrows(NativeConfigurationException::class.java) { read(*said) }.mistakes

  @Test
  fun `a binary may say nothing, and what others say is theirs`() {
    assertEquals(NativeConfiguration(), read())
    assertEquals(NativeConfiguration(), read("com.example.KEY" to "x", "dev.hotpatch.appKey" to "  "))
  }

  @Test
  fun `all that a binary may say is read`() {
    val configuration = read(
      "dev.hotpatch.apiUrl" to "https://updates.example.com",
      "dev.hotpatch.appId" to "app",
      "dev.hotpatch.appKey" to "hpk_1",
      "dev.hotpatch.channel" to "beta",
      "dev.hotpatch.publicKeys" to "$KEY, $OTHER_KEY",
      "dev.hotpatch.decryptionKeys" to KEY,
      "dev.hotpatch.pins" to "updates.example.com=sha256/$KEY,*.example.org=sha256/$OTHER_KEY",
      "dev.hotpatch.allowInsecure" to "loopback",
      "dev.hotpatch.runtimeVersion" to "1.0",
      "dev.hotpatch.builtAt" to "2027-01-31T12:00:00Z",
      "dev.hotpatch.edgeUrl" to "https://cdn.example.com/updates",
      "dev.hotpatch.edgeOrder" to "fallback",
    )
    val pins = listOf(
      CertificatePin("updates.example.com", "sha256/$KEY"),
      CertificatePin("*.example.org", "sha256/$OTHER_KEY"),
    )
    val expected = NativeConfiguration(
      "https://updates.example.com", "app", "hpk_1", "beta", listOf(KEY, OTHER_KEY), listOf(KEY), pins,
      AllowInsecure.LOOPBACK, "1.0", 1_801_396_800_000, EdgeConfig("https://cdn.example.com/updates", EdgeOrder.FALLBACK),
    )
    assertEquals(expected, configuration)
  }

  @Test
  fun `what Android has made a number or a truth of is taken`() {
    val configuration = read("dev.hotpatch.runtimeVersion" to 7, "dev.hotpatch.allowInsecure" to true)
    assertEquals("7", configuration.runtimeVersion)
    assertEquals(AllowInsecure.ANYWHERE, configuration.allowInsecure)
  }

  @Test
  fun `every mistake is told at once, with the name, what was expected and what was found`() {
    val found = mistakes(
      "dev.hotpatch.publicKeys" to "$KEY,abc",
      "dev.hotpatch.allowInsecure" to "yes",
      "dev.hotpatch.builtAt" to "2027-02-31T12:00:00Z",
      "dev.hotpatch.pins" to "updates.example.com",
      "dev.hotpatch.publickeys" to KEY,
    )
    assertEquals(5, found.size)
    assertEquals(
      "dev.hotpatch.publicKeys in the manifest: expected base64 of 32 bytes as key 2, found \"abc\".",
      found.first(),
    )
    assertTrue(found.last().startsWith("dev.hotpatch.publickeys in the manifest: expected one of dev.hotpatch.apiUrl"))
  }

  @Test
  fun `nothing is shown of what should decrypt`() {
    val (found) = mistakes("dev.hotpatch.decryptionKeys" to "c2VjcmV0LXNlY3JldA==")
    assertFalse(found.contains("c2Vj"))
  }

  @Test
  fun `lists have their bounds`() {
    assertTrue(mistakes("dev.hotpatch.publicKeys" to List(21) { KEY }.joinToString(",")).first().contains("up to 20"))
    assertTrue(mistakes("dev.hotpatch.decryptionKeys" to List(9) { KEY }.joinToString(",")).first().contains("up to 8"))
    val pins = List(51) { "a.example.com=sha256/$KEY" }.joinToString(",")
    assertTrue(mistakes("dev.hotpatch.pins" to pins).first().contains("up to 50"))
  }

  @Test
  fun `an edge is asked first, unless it is a fallback`() {
    val said = arrayOf("dev.hotpatch.publicKeys" to KEY, "dev.hotpatch.edgeUrl" to "https://cdn.example.com")
    assertEquals(EdgeConfig("https://cdn.example.com", EdgeOrder.FIRST), read(*said).edge)
    assertEquals(EdgeOrder.FIRST, read(*said, "dev.hotpatch.edgeOrder" to "first").edge?.order)
    assertTrue(mistakes(*said, "dev.hotpatch.edgeOrder" to "last").single().contains("expected first or fallback, found \"last\""))
  }

  @Test
  fun `an edge has an address, and keys that vouch for it`() {
    val keys = "dev.hotpatch.publicKeys" to KEY
    assertTrue(mistakes("dev.hotpatch.edgeUrl" to "https://cdn.example.com").single().contains("expected dev.hotpatch.publicKeys beside it"))
    for (bad in listOf("cdn.example.com", "https://cdn.example.com?a", "https://cdn.example.com#a")) {
      assertTrue(bad, mistakes(keys, "dev.hotpatch.edgeUrl" to bad).single().contains("expected an address"))
    }
    assertTrue(mistakes(keys, "dev.hotpatch.edgeOrder" to "first").single().contains("expected dev.hotpatch.edgeUrl beside it"))
  }

  @Test
  fun `a pin is of a host and a digest`() {
    val bad = listOf("=sha256/$KEY", "a b=sha256/$KEY", "a.example.com=sha1/$KEY", "a.example.com=sha256/AAAA", "*=sha256/$KEY") +
      "**.example.com=sha256/$KEY"
    for (pin in bad) assertEquals(pin, 1, mistakes("dev.hotpatch.pins" to pin).size)
  }
}
