package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readNullableString
import dev.hotpatch.engine.ground.readOneOf
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.MAX_RECIPIENTS
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readBoolean
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readSha256
import dev.hotpatch.protocol.readShort
import dev.hotpatch.protocol.readString

/** React Native §1 and §2. */
object ReactNativeContract : UpdateContract {
  override val checkPath = "/update/check"

  override fun writeCheck(told: ToldCheck): JsonObject = jsonOf(
    *fieldsOf(told.device),
    "version" to told.running.version,
    "releaseId" to told.running.releaseId,
    "failedReleaseIds" to told.running.failedReleaseIds,
    "embeddedUpdateId" to told.running.embeddedUpdateId,
    *fieldsOf(told.binary),
    *told.attributes.toList().toTypedArray(),
    *fieldsOf(told.running.trust),
    "cohorts" to told.cohorts.takeIf { it.isNotEmpty() },
    "patches" to told.running.patches.map { it.text }.takeIf { it.isNotEmpty() },
  )

  override fun readAnswer(json: JsonValue): CheckAnswer = answerOf(readObject(json, ""))
}

private fun answerOf(json: JsonObject): CheckAnswer {
  if (readBoolean(json["updateAvailable"], "/updateAvailable")) return CheckAnswer.Offered(readOffer(json))
  val reason = json["reason"]?.let { readString(it, "/reason") } ?: "unknown"
  val target = json["rollBackTo"]
  if (target == null || target == JsonNull) {
    return CheckAnswer.Nothing(reason, readNativeUpdate(json["nativeUpdate"]))
  }
  if ((target as? JsonString)?.value != "embedded") {
    throw UnexpectedJsonException("/rollBackTo", "\"embedded\"", target)
  }
  val mandatory = readBoolean(json["mandatory"], "/mandatory")
  return CheckAnswer.Embedded(EmbeddedOrder(readSignedStatement(json), mandatory, reason))
}

// In this order, as the first thing that is not as it must be is what is told.
private fun readOffer(json: JsonObject): Offer {
  val signed = readSignedStatement(json)
  return Offer(
    signed = signed,
    releaseId = readShort(json["releaseId"], "/releaseId"),
    version = readShort(json["version"], "/version"),
    bundleUrl = readString(json["bundleUrl"], "/bundleUrl"),
    sha256 = readSha256(json["hash"], "/hash"),
    sizeBytes = readInteger(json["sizeBytes"], "/sizeBytes", 1),
    encryption = readEncryption(json["encryption"]),
    signature = readNullableString(json["signature"], "/signature"),
    patch = readPatch(json["patch"]),
    mandatory = readBoolean(json["mandatory"], "/mandatory"),
    notes = readNullableString(json["notes"], "/notes"),
  )
}

/** React Native §2.2. */
private fun readEncryption(value: JsonValue?): OfferedEncryption? {
  if (value == null || value == JsonNull) return null
  val json = readObject(value, "/encryption")
  return OfferedEncryption(
    algorithm = readShort(json["algorithm"], "/encryption/algorithm"),
    sha256 = readSha256(json["sha256"], "/encryption/sha256"),
    sizeBytes = readInteger(json["sizeBytes"], "/encryption/sizeBytes", 1),
    keyIds = readArray(json["keyIds"], "/encryption/keyIds", MAX_RECIPIENTS).mapIndexed { index, keyId ->
      readShort(keyId, "/encryption/keyIds/$index")
    },
  )
}

private fun readPatch(value: JsonValue?): OfferedPatch? {
  if (value == null || value == JsonNull) return null
  return try {
    val json = readObject(value, "/patch")
    PatchOffer(
      format = readOneOf(json["format"], "/patch/format", PatchFormat.entries) { it.text },
      url = readString(json["url"], "/patch/url"),
      sha256 = readSha256(json["sha256"], "/patch/sha256"),
      sizeBytes = readInteger(json["sizeBytes"], "/patch/sizeBytes", 1),
      baseTree = readSha256(json["baseTree"], "/patch/baseTree"),
      tree = readSha256(json["tree"], "/patch/tree"),
    )
  } catch (error: UnexpectedJsonException) {
    OfferedPatch.Unreadable(error)
  }
}

private fun readSignedStatement(json: JsonObject) = SignedStatement(
  statement = readNullableString(json["statement"], "/statement"),
  signature = readNullableString(json["statementSignature"], "/statementSignature"),
)

private fun readNativeUpdate(value: JsonValue?): NativeUpdate? {
  if (value == null || value == JsonNull) return null
  val json = readObject(value, "/nativeUpdate")
  return NativeUpdate(
    minNativeVersion = readString(json["minNativeVersion"], "/nativeUpdate/minNativeVersion"),
    releaseId = readString(json["releaseId"], "/nativeUpdate/releaseId"),
  )
}
