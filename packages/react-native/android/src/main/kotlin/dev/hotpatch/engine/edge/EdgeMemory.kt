package dev.hotpatch.engine.edge

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.engine.state.EDGE
import dev.hotpatch.engine.state.ROOT
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.edge.EdgeEnvelope
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readNullable
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

/** Static edge §8: the newest word of one channel that was believed. */
internal data class EdgeMark(
  val platform: String,
  val channel: String,
  /** Of the key document: another one begins anew. */
  val keysVersion: Long,
  val generation: Long,
  /** In milliseconds since 1970. */
  val issuedAt: Long,
)

/** ota/edge.json. */
internal data class EdgeMemory(
  /** As a publisher has signed it; null: none was taken. */
  val keys: EdgeEnvelope? = null,
  /** Never falls, whatever becomes of the document. */
  val keysVersion: Long = 0,
  val marks: List<EdgeMark> = emptyList(),
) {
  fun markOf(platform: String, channel: String): EdgeMark? =
    marks.find { it.platform == platform && it.channel == channel }

  /** With [mark] in the place of what was known of its channel. */
  fun with(mark: EdgeMark): EdgeMemory =
    copy(marks = marks.filter { it.platform != mark.platform || it.channel != mark.channel } + mark)
}

/** A device that changes its channel now and then keeps the newest. */
private const val MAX_MARKS = 20
private const val MAX_SIGNATURES = 10

internal fun readEdgeMemory(files: FilesPort): EdgeMemory = readJsonFile(files, EDGE, ::readMemory) ?: EdgeMemory()

internal fun writeEdgeMemory(files: FilesPort, memory: EdgeMemory) {
  files.makeDirectory(ROOT)
  // A device that has stored nothing else yet: the power must not take the folder with all that is in it.
  files.syncDirectory("")
  writeJsonFile(files, EDGE, writeMemory(memory))
}

private fun writeMemory(memory: EdgeMemory): JsonObject = jsonOf(
  "keys" to memory.keys?.let { jsonOf("payload" to it.payload, "signatures" to it.signatures) }.orJsonNull(),
  "keysVersion" to memory.keysVersion,
  "marks" to memory.marks.takeLast(MAX_MARKS).map {
    jsonOf(
      "platform" to it.platform,
      "channel" to it.channel,
      "keysVersion" to it.keysVersion,
      "generation" to it.generation,
      "issuedAt" to it.issuedAt,
    )
  },
)

private fun readMemory(value: JsonValue?): EdgeMemory {
  val json = readObject(value, "")
  return EdgeMemory(
    keys = readNullable(json["keys"], ::readKeys),
    keysVersion = readInteger(json["keysVersion"], "/keysVersion", 0),
    marks = readArray(json["marks"], "/marks", MAX_MARKS).map(::readMark),
  )
}

private fun readKeys(value: JsonValue?): EdgeEnvelope {
  val json = readObject(value, "/keys")
  val signatures = readArray(json["signatures"], "/keys/signatures", MAX_SIGNATURES)
  return EdgeEnvelope(
    payload = readString(json["payload"], "/keys/payload"),
    signatures = signatures.map { readString(it, "/keys/signatures") },
  )
}

private fun readMark(value: JsonValue): EdgeMark {
  val json = readObject(value, "/mark")
  return EdgeMark(
    platform = readString(json["platform"], "/mark/platform"),
    channel = readString(json["channel"], "/mark/channel"),
    keysVersion = readInteger(json["keysVersion"], "/mark/keysVersion", 1),
    generation = readInteger(json["generation"], "/mark/generation", 1),
    issuedAt = readInteger(json["issuedAt"], "/mark/issuedAt", 0),
  )
}
