package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.hexFromBytes
import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals
import org.junit.Test

/** What comes from the network as text, by vectors/engine/network.json. */
class NetworkTest {
  private val vectors = readVectors("engine/network.json")

  @Test
  fun `addresses are allowed as in every language`() = vectors.forEachCase("addresses") { case ->
    val url = case.text("url")
    assertEquals(case.boolean("never"), isAllowedAddress(url, AllowInsecure.NEVER))
    assertEquals(case.boolean("loopback"), isAllowedAddress(url, AllowInsecure.LOOPBACK))
    assertEquals(case.boolean("anywhere"), isAllowedAddress(url, AllowInsecure.ANYWHERE))
  }

  @Test
  fun `redirects lead to the same place`() = vectors.forEachCase("locations") { case ->
    assertEquals(case.find("leadsTo")?.text, resolveLocation(case.text("from"), case.find("location")?.text))
  }

  @Test
  fun `a server that asks for patience gets it`() {
    val waits = vectors.at("retryAfter")
    waits.forEachCase("cases") { case ->
      val headers = (case.at("headers") as JsonObject).fields.mapValues { it.value.text }
      val found = retryAfter(headers, waits.long("now"), waits.long("maxMs"))
      assertEquals(case.find("ms")?.let { case.long("ms") }, found)
    }
  }

  @Test
  fun `base64 is read strictly`() = vectors.forEachCase("base64") { case ->
    assertEquals(case.text("text"), case.find("hex")?.text, bytesFromBase64(case.text("text"))?.let(::hexFromBytes))
  }
}
