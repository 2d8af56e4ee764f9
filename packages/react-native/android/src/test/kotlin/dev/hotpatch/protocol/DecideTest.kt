package dev.hotpatch.protocol

import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.items
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/**
 * vectors/decision.json, of what an edge can say: archives as they are, for nobody by name, and devices that tell an id and
 * take them. The other cases are about what only servers know of, or clients of others.
 */
class DecideTest {
  private val cases = readVectors("decision.json").items("cases").filter(::isOfAnEdge)

  @Test
  fun `what is decided for a device`() {
    for (case in cases) {
      val (rollouts, device) = (case.at("rollouts") as JsonArray).items.map(::readRollout) to readDevice(case.at("device"))
      val expected = WRITTEN.associateWith { plainOf(case.at("expected").find(it)) }
      for (placed in listOf(rollouts, rollouts.reversed())) {
        assertEquals(case.text("name"), expected, describe(decide(Catalog(placed), device, case.long("now"))))
      }
    }
  }

  @Test
  fun `every rule has its cases`() {
    assertEquals(11, cases.flatMapTo(HashSet()) { it.texts("rules") }.size)
    assertTrue("${cases.size} cases", cases.size > 180)
  }

  /** The way back is the sequence's to say, and no device asks for it. */
  private fun describe(decision: Decision): Map<String, Any?> = mapOf(
    "kind" to when (decision) {
      is Decision.UpToDate -> "up-to-date"
      is Decision.NativeUpdateRequired -> "native-update-required"
      is Decision.Update -> "update"
      is Decision.Embedded -> "embedded"
    },
    "reason" to decision.reason.text,
    "releaseId" to (decision as? Decision.Update)?.release?.id,
    "rolloutId" to decision.rollout?.id.takeIf { decision is Decision.Update || decision is Decision.Embedded },
    "mandatory" to when (decision) {
      is Decision.Update -> decision.mandatory
      is Decision.Embedded -> decision.mandatory
      else -> false
    },
    "nativeUpdate" to decision.nativeUpdate
      ?.let { mapOf("minNativeVersion" to it.minNativeVersion, "releaseId" to it.releaseId) },
  )
}

private val WRITTEN = listOf("kind", "reason", "releaseId", "rolloutId", "mandatory", "nativeUpdate")

private fun plainOf(value: JsonValue?): Any? = when (value) {
  is JsonString -> value.value
  is JsonBoolean -> value.value
  is JsonObject -> value.fields.mapValues { plainOf(it.value) }
  else -> null
}

private val RELEASE = setOf("id", "version", "sequence", "requirement", "floor", "keyId", "isStated", "statedAt")

private fun isOfAnEdge(case: JsonValue): Boolean {
  val device = case.at("device") as JsonObject
  val tellsMore = device["takes"] != null || device["heldAt"] != null || device.find("id") == null
  val isNamed = (case.at("rollouts") as JsonArray).items.any { rollout ->
    val (target, audience) = rollout.at("target") to rollout.at("audience")
    val isOther = target is JsonObject && !RELEASE.containsAll(target.fields.keys)
    val names = listOf("devices", "cohorts").any { (audience.at(it) as JsonArray).items.isNotEmpty() }
    isOther || names || (rollout as JsonObject)["awaitsApproval"] != null || !hasReadableRules(audience)
  }
  return !tellsMore && !isNamed && (device.find("attributes") as JsonObject?)?.get("rolloutCohort") == null
}

/** Of a rule that nobody can read nobody meets anything, and no edge has it (Static edge §7). */
private fun hasReadableRules(audience: JsonValue): Boolean =
  audience.find("rules") == null || runCatching { readAttributeRules(audience.find("rules"), "") }.isSuccess

private fun readRollout(json: JsonValue): CatalogRollout {
  val audience = json.at("audience")
  return CatalogRollout(
    id = json.text("id"),
    position = json.long("position"),
    release = (json.at("target") as? JsonObject)?.let(::readRelease),
    state = RolloutState.entries.first { it.text == json.text("state") },
    startsAt = json.find("startsAt")?.let { json.long("startsAt") },
    mandatory = json.boolean("mandatory"),
    mandatoryBelow = json.find("mandatoryBelow")?.text,
    audience = Audience(
      percentage = (audience.at("percentage") as JsonNumber).value,
      salt = audience.find("salt")?.text ?: json.text("id"),
      buckets = bucketsOf(audience.at("buckets")),
      rules = audience.find("rules")?.let { readAttributeRules(it, "") }.orEmpty(),
      slice = audience.find("slice")?.let { AudienceSlice(it.text("salt"), it.long("from"), it.long("to")) },
    ),
    restated = json.find("restated")?.let {
      Restated(it.long("sequence"), it.long("floor"), it.find("keyId")?.text, it.find("statedAt")?.let { _ -> it.long("statedAt") })
    },
  )
}

private fun bucketsOf(value: JsonValue): BucketRule =
  if (value is JsonNumber) BucketRule.entries.first { it.count.toDouble() == value.value } else BucketRule.CODE_PUSH

private fun readRelease(json: JsonObject): CatalogRelease {
  val keyId = json.find("keyId")?.text
  return CatalogRelease(
    id = json.text("id"),
    version = json.text("version"),
    sequence = json.long("sequence"),
    requirement = readRequirement(json.at("requirement")),
    floor = json.long("floor"),
    keyId = keyId,
    isStated = if (json["isStated"] == null) keyId != null else json.boolean("isStated"),
    statedAt = json.find("statedAt")?.let { json.long("statedAt") },
  )
}
