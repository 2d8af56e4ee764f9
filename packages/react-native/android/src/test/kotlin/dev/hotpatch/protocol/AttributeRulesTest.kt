package dev.hotpatch.protocol

import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class AttributeRulesTest {
  private val vectors = readVectors("attribute-rules.json")

  @Test
  fun `what devices tell meets rules, or not`() = vectors.forEachCase("cases") { case ->
    val told = (case.at("told") as JsonObject).fields.mapValues { it.value.text }
    val rules = readAttributeRules(case.at("rules"), "")
    assertEquals(case.boolean("meets"), ToldAttributes(deviceOf(told)).meet(rules))
  }

  @Test
  fun `what is no rule`() = vectors.forEachCase("refused") { case ->
    val error = assertThrows(UnexpectedJsonException::class.java) { readAttributeRules((case as JsonObject)["rules"], "/rules") }
    assertEquals("/rules${case.text("pointer")}", error.pointer)
  }

  private fun deviceOf(told: Map<String, String>) = Device(
    id = "device-1",
    nativeVersion = told["nativeVersion"],
    runtimeVersion = told["runtimeVersion"],
    currentReleaseId = null,
    failedReleaseIds = emptyList(),
    attributes = told - "nativeVersion" - "runtimeVersion",
    trust = DeviceTrust(0, 0, emptyList(), null, null),
  )
}
