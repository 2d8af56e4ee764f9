package dev.hotpatch.protocol.edge

import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readJson
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readPlatform
import dev.hotpatch.protocol.readSha256
import dev.hotpatch.protocol.readShort
import dev.hotpatch.protocol.readString
import dev.hotpatch.protocol.statementTime

/** Static edge §3: the first field of each signed text, so that a signature over one can never pass for one over another. */
private const val EDGE_KEYS_TYPE = "hotpatch.edge-keys.v1"
private const val EDGE_POINTER_TYPE = "hotpatch.edge-pointer.v1"

/** Static edge §2: longer ones are refused unread. */
const val MAX_EDGE_DOCUMENT_BYTES = 16 * 1024

/** Of an envelope: the text in base64, and signatures. */
const val MAX_EDGE_ENVELOPE_BYTES = 32 * 1024
const val MAX_EDGE_SIGNATURES = 4
const val MAX_EDGE_KEYS = 4

private const val DAY_MS = 86_400_000L

/** A pointer that would be good for longer freezes whoever holds it; a key that would, outlives those who know of it. */
private const val MAX_POINTER_LIFETIME_MS = 7 * DAY_MS
private const val MAX_EDGE_KEY_LIFETIME_MS = 400 * DAY_MS

/** Static edge §2: exact bytes, and who signed them. */
class EdgeEnvelope(
  /** Base64 of the UTF-8 bytes of the text. */
  val payload: String,
  /** Base64, each over these bytes. */
  val signatures: List<String>,
)

/** Static edge §4: what a publisher signs of the keys by which the server speaks for an app. */
class EdgeKeyDocument(
  val appId: String,
  /** Rises with every document; a device takes none below the highest that it has taken. */
  val version: Long,
  /** None: the app has no edge any more. */
  val keys: List<EdgeKey>,
  /** In milliseconds since 1970. */
  val createdAt: Long,
)

class EdgeKey(
  /** Base64 of 32 raw bytes. */
  val publicKey: String,
  /** In milliseconds since 1970: nothing that it signs is believed from then on. */
  val notAfter: Long,
)

/** Static edge §5: which catalog is the newest. The server signs it, again and again. */
class EdgePointer(
  val appId: String,
  val platform: String,
  val channel: String,
  /** Of the key document that names the key which signs this. */
  val keysVersion: Long,
  /** Rises with every pointer of (app, platform, channel). */
  val generation: Long,
  /** Both in milliseconds since 1970. */
  val issuedAt: Long,
  val expiresAt: Long,
  /** Of the catalog. */
  val sha256: String,
  val sizeBytes: Long,
)

/** @throws UnexpectedJsonException */
fun readEdgeEnvelope(text: String): EdgeEnvelope {
  val json = readObject(readJson(text), "")
  val signatures = readArray(json["signatures"], "/signatures", MAX_EDGE_SIGNATURES)
  if (signatures.isEmpty()) throw UnexpectedJsonException("/signatures", "at least one signature", json["signatures"])
  return EdgeEnvelope(
    payload = readString(json["payload"], "/payload"),
    signatures = signatures.mapIndexed { index, signature -> readString(signature, "/signatures/$index") },
  )
}

/**
 * After a publisher's signature was verified over the bytes that [text] came from.
 *
 * @throws UnexpectedJsonException
 */
fun readEdgeKeyDocument(text: String): EdgeKeyDocument {
  val json = readTyped(text, EDGE_KEYS_TYPE)
  val createdAt = readTime(json["createdAt"], "/createdAt")
  val items = readArray(json["keys"], "/keys", MAX_EDGE_KEYS)
  val keys = items.mapIndexed { index, key -> readKey(key, "/keys/$index") }
  for ((index, key) in keys.withIndex()) {
    if (key.notAfter - createdAt <= MAX_EDGE_KEY_LIFETIME_MS) continue
    val found = (items[index] as JsonObject)["notAfter"]
    throw UnexpectedJsonException("/keys/$index/notAfter", "at most 400 days after createdAt", found)
  }
  return EdgeKeyDocument(readShort(json["appId"], "/appId"), readInteger(json["version"], "/version", 1), keys, createdAt)
}

private fun readKey(value: JsonValue, pointer: String): EdgeKey {
  val json = readObject(value, pointer)
  return EdgeKey(
    publicKey = readString(json["publicKey"], "$pointer/publicKey", "the base64 of 32 bytes", KEY_TEXT::matches),
    notAfter = readTime(json["notAfter"], "$pointer/notAfter"),
  )
}

/**
 * After the server's signature was verified over the bytes that [text] came from.
 *
 * @throws UnexpectedJsonException
 */
fun readEdgePointer(text: String): EdgePointer {
  val json = readTyped(text, EDGE_POINTER_TYPE)
  val issuedAt = readTime(json["issuedAt"], "/issuedAt")
  val expiresAt = readTime(json["expiresAt"], "/expiresAt")
  if (expiresAt <= issuedAt || expiresAt - issuedAt > MAX_POINTER_LIFETIME_MS) {
    throw UnexpectedJsonException("/expiresAt", "a time after issuedAt, by at most 7 days", json["expiresAt"])
  }
  val catalog = readObject(json["catalog"], "/catalog")
  return EdgePointer(
    appId = readShort(json["appId"], "/appId"),
    platform = readPlatform(json["platform"], "/platform"),
    channel = readShort(json["channel"], "/channel"),
    keysVersion = readInteger(json["keysVersion"], "/keysVersion", 1),
    generation = readInteger(json["generation"], "/generation", 1),
    issuedAt = issuedAt,
    expiresAt = expiresAt,
    sha256 = readSha256(catalog["sha256"], "/catalog/sha256"),
    sizeBytes = readInteger(catalog["sizeBytes"], "/catalog/sizeBytes", 1),
  )
}

private val KEY_TEXT = Regex("[A-Za-z0-9+/]{43}=")

internal fun readTyped(text: String, type: String): JsonObject {
  val json = readObject(readJson(text), "")
  if ((json["type"] as? JsonString)?.value != type) throw UnexpectedJsonException("/type", "\"$type\"", json["type"])
  return json
}

private fun readTime(value: JsonValue?, pointer: String): Long {
  val text = readString(value, pointer)
  return statementTime(text) ?: throw UnexpectedJsonException(pointer, "a time such as 2027-01-31T12:00:00.000Z", text)
}
