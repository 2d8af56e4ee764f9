package dev.hotpatch.protocol.edge

import dev.hotpatch.protocol.Audience
import dev.hotpatch.protocol.AudienceSlice
import dev.hotpatch.protocol.BucketRule
import dev.hotpatch.protocol.CatalogRelease
import dev.hotpatch.protocol.JsonNumber
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.Restated
import dev.hotpatch.protocol.RolloutState
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readAttributeRules
import dev.hotpatch.protocol.readBoolean
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readNullable
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readPlatform
import dev.hotpatch.protocol.readRequirement
import dev.hotpatch.protocol.readSha256
import dev.hotpatch.protocol.readShort
import dev.hotpatch.protocol.readString

/**
 * After its bytes were held against the SHA-256 and the size of a verified pointer. Fields that it does not know are
 * ignored.
 *
 * @throws UnexpectedJsonException
 */
fun readEdgeCatalog(text: String): EdgeCatalog {
  val json = readTyped(text, EDGE_CATALOG_TYPE)
  val releases = readArray(json["releases"], "/releases", MAX_EDGE_ROLLOUTS).mapIndexed(::readRelease)
  val byId = releases.associateBy { it.release.id }
  if (byId.size != releases.size) throw UnexpectedJsonException("/releases", "no id twice", json["releases"])
  return EdgeCatalog(
    appId = readShort(json["appId"], "/appId"),
    platform = readPlatform(json["platform"], "/platform"),
    channel = readShort(json["channel"], "/channel"),
    floor = readInteger(json["floor"], "/floor", 0),
    releases = releases,
    rollouts = readArray(json["rollouts"], "/rollouts", MAX_EDGE_ROLLOUTS + 1).mapIndexed { index, each ->
      readRollout(each, "/rollouts/$index", byId)
    },
  )
}

private fun readRelease(index: Int, value: JsonValue): EdgeRelease {
  val pointer = "/releases/$index"
  val json = readObject(value, pointer)
  val release = CatalogRelease(
    id = readShort(json["id"], "$pointer/id"),
    version = readShort(json["version"], "$pointer/version"),
    sequence = readInteger(json["sequence"], "$pointer/sequence", 0),
    requirement = readRequirement(json["requirement"], "$pointer/requirement"),
    floor = readInteger(json["floor"], "$pointer/floor", 0),
    keyId = readNullable(json["keyId"]) { readShort(it, "$pointer/keyId") },
    isStated = readBoolean(json["isStated"], "$pointer/isStated"),
    statedAt = readNullable(json["statedAt"]) { readInteger(it, "$pointer/statedAt", 0) },
  )
  return EdgeRelease(release, readNullable(json["offer"]) { readOffer(it, "$pointer/offer") })
}

private fun readOffer(value: JsonValue?, pointer: String): EdgeOffer {
  val json = readObject(value, pointer)
  return EdgeOffer(
    sha256 = readSha256(json["sha256"], "$pointer/sha256"),
    sizeBytes = readInteger(json["sizeBytes"], "$pointer/sizeBytes", 1),
    signature = readNullable(json["signature"]) { readString(it, "$pointer/signature") },
    stated = readStated(json["stated"], "$pointer/stated"),
    notes = readNullable(json["notes"]) { readString(it, "$pointer/notes") },
  )
}

private fun readStated(value: JsonValue?, pointer: String): EdgeStatement? = readNullable(value) {
  val json = readObject(it, pointer)
  EdgeStatement(
    statement = readString(json["statement"], "$pointer/statement"),
    signature = readString(json["statementSignature"], "$pointer/statementSignature"),
  )
}

private fun readRollout(value: JsonValue, pointer: String, releases: Map<String, EdgeRelease>): EdgeRollout {
  val json = readObject(value, pointer)
  val position = readInteger(json["position"], "$pointer/position", 0)
  val mandatory = readBoolean(json["mandatory"], "$pointer/mandatory")
  return when ((json["kind"] as? JsonString)?.value) {
    "open" -> readOpen(json, pointer, releases, position, mandatory)
    "older" -> EdgeRollout.Older(position, mandatory)
    // What a later server says in another way, this device cannot judge: it asks.
    else -> {
      readString(json["kind"], "$pointer/kind")
      EdgeRollout.AsksServer(position, mandatory)
    }
  }
}

private fun readOpen(
  json: JsonObject,
  pointer: String,
  releases: Map<String, EdgeRelease>,
  position: Long,
  mandatory: Boolean,
): EdgeRollout.Open {
  val state = readState(json["state"], "$pointer/state")
  val release = readTarget(json["target"], "$pointer/target", state, releases)
  val id = readShort(json["id"], "$pointer/id")
  val hasStarted = readBoolean(json["hasStarted"], "$pointer/hasStarted")
  val mandatoryBelow = readNullable(json["mandatoryBelow"]) { readShort(it, "$pointer/mandatoryBelow") }
  val audience = readAudience(json["audience"], "$pointer/audience")
  val restated = readNullable(json["restated"]) { readObject(it, "$pointer/restated") }
  return EdgeRollout.Open(
    id = id,
    position = position,
    release = release,
    state = state,
    hasStarted = hasStarted,
    mandatory = mandatory,
    mandatoryBelow = mandatoryBelow,
    audience = audience,
    restated = restated?.let { readRestated(it, "$pointer/restated") },
    restatement = restated?.let { readStated(it["stated"], "$pointer/restated/stated") },
  )
}

private const val EMBEDDED = "embedded"

private fun readTarget(
  value: JsonValue?,
  pointer: String,
  state: RolloutState,
  releases: Map<String, EdgeRelease>,
): CatalogRelease? {
  val target = readShort(value, pointer)
  val found = releases[target]
  if (target != EMBEDDED && found == null) {
    throw UnexpectedJsonException(pointer, "\"embedded\", or the id of one of the releases", target)
  }
  val isInForce = state == RolloutState.ACTIVE || state == RolloutState.PAUSED
  if (found != null && found.offer == null && isInForce) {
    throw UnexpectedJsonException(pointer, "a release with an offer", target)
  }
  return if (target == EMBEDDED) null else found?.release
}

private fun readState(value: JsonValue?, pointer: String): RolloutState {
  val text = (value as? JsonString)?.value
  return RolloutState.entries.find { it.text == text }
    ?: throw UnexpectedJsonException(pointer, "active, paused, halted or withdrawn", value)
}

private fun readAudience(value: JsonValue?, pointer: String): Audience {
  val json = readObject(value, pointer)
  return Audience(
    percentage = readPercentage(json["percentage"], "$pointer/percentage"),
    salt = readText(json["salt"], "$pointer/salt"),
    buckets = readBuckets(json["buckets"], "$pointer/buckets"),
    rules = readAttributeRules(json["rules"], "$pointer/rules"),
    slice = readNullable(json["slice"]) { readSlice(it, "$pointer/slice") },
  )
}

private fun readPercentage(value: JsonValue?, pointer: String): Double {
  val number = (value as? JsonNumber)?.value
  if (number != null && number >= 0 && number <= 100) return number
  throw UnexpectedJsonException(pointer, "a number from 0 to 100", value)
}

private fun readBuckets(value: JsonValue?, pointer: String): BucketRule = when {
  value is JsonNumber && value.value == 100.0 -> BucketRule.HUNDRED
  value is JsonNumber && value.value == 1_000.0 -> BucketRule.THOUSAND
  value is JsonNumber && value.value == 10_000.0 -> BucketRule.TEN_THOUSAND
  value is JsonString && value.value == "code-push" -> BucketRule.CODE_PUSH
  else -> throw UnexpectedJsonException(pointer, "100, 1000, 10000 or \"code-push\"", value)
}

private fun readSlice(value: JsonValue?, pointer: String): AudienceSlice {
  val json = readObject(value, pointer)
  return AudienceSlice(
    salt = readText(json["salt"], "$pointer/salt"),
    from = readInteger(json["from"], "$pointer/from", 0),
    to = readInteger(json["to"], "$pointer/to", 0),
  )
}

private fun readRestated(json: JsonObject, pointer: String) = Restated(
  sequence = readInteger(json["sequence"], "$pointer/sequence", 1),
  floor = readInteger(json["floor"], "$pointer/floor", 0),
  keyId = readNullable(json["keyId"]) { readShort(it, "$pointer/keyId") },
  statedAt = readNullable(json["statedAt"]) { readInteger(it, "$pointer/statedAt", 0) },
)

private const val MAX_TEXT = 200

private fun readText(value: JsonValue?, pointer: String): String =
  readString(value, pointer, "a short text, or none") { it.length <= MAX_TEXT && '\u0000' !in it }
