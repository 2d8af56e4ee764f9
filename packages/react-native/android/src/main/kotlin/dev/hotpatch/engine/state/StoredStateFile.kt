package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.isTrue
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.ground.readBinary
import dev.hotpatch.engine.ground.readOneOf
import dev.hotpatch.engine.ground.readReports
import dev.hotpatch.engine.ground.writeBinary
import dev.hotpatch.engine.ground.writeReports
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

private const val MANY = 10_000

/** @throws UnexpectedJsonException */
fun readStoredState(value: JsonValue?): StoredState {
  val json = readObject(value, "")
  return StoredState(
    binary = readBinary(json["binary"], "/binary"),
    tellsReady = isTrue(json["tellsReady"]),
    active = readNullable(json["active"], ::readActive),
    previous = readNullable(json["previous"], ::readInstalledRelease),
    staged = readNullable(json["staged"], ::readSource),
    move = readNullable(json["move"], ::readMove),
    fetching = readNullable(json["fetching"], ::readFetching),
    highWater = readInteger(json["highWater"], "/highWater", 0),
    floor = readInteger(json["floor"], "/floor", 0),
    failed = readArray(json["failed"], "/failed", MANY).map(::readRemembered),
    refused = readArray(json["refused"], "/refused", MANY).map(::readRemembered),
    failedPatches = readArray(json["failedPatches"], "/failedPatches", MANY).map(::readPatchIdentity),
    unreported = readReports(json["unreported"], "/unreported"),
  )
}

fun writeStoredState(state: StoredState): JsonObject = jsonOf(
  "binary" to writeBinary(state.binary),
  "tellsReady" to state.tellsReady,
  "active" to state.active?.let(::writeActive).orJsonNull(),
  "previous" to state.previous?.let(::writeInstalledRelease).orJsonNull(),
  "staged" to state.staged?.let { jsonOf(*sourceFields(it)) }.orJsonNull(),
  "move" to state.move?.let(::writeMove).orJsonNull(),
  "fetching" to state.fetching?.let { jsonOf("releaseId" to it.releaseId, "sha256" to it.sha256) }.orJsonNull(),
  "highWater" to state.highWater,
  "floor" to state.floor,
  "unreported" to writeReports(state.unreported),
  "failed" to state.failed.map(::writeRemembered),
  "refused" to state.refused.map(::writeRemembered),
  "failedPatches" to state.failedPatches.map { jsonOf("baseTree" to it.baseTree, "tree" to it.tree) },
)

/** @throws UnexpectedJsonException */
fun readInstalledRelease(value: JsonValue?): InstalledRelease {
  val json = readObject(value, "/release")
  return InstalledRelease(
    releaseId = readString(json["releaseId"], "/releaseId"),
    version = readString(json["version"], "/version"),
    sequence = readInteger(json["sequence"], "/sequence", 0),
    sha256 = readString(json["sha256"], "/sha256"),
    launch = json["launch"]?.let { readString(it, "/launch") },
  )
}

fun writeInstalledRelease(release: InstalledRelease): JsonObject = jsonOf(*releaseFields(release))

private fun releaseFields(release: InstalledRelease): Array<Pair<String, Any?>> = arrayOf(
  "releaseId" to release.releaseId,
  "version" to release.version,
  "sequence" to release.sequence,
  "sha256" to release.sha256,
  "launch" to release.launch,
)

private fun <T : Any> readNullable(value: JsonValue?, read: (JsonValue?) -> T): T? =
  if (value == JsonNull) null else read(value)

private fun readFetching(value: JsonValue?): Fetching {
  val json = readObject(value, "/fetching")
  return Fetching(readString(json["releaseId"], "/releaseId"), readString(json["sha256"], "/sha256"))
}

private fun readPatchIdentity(value: JsonValue?): PatchIdentity {
  val json = readObject(value, "/patch")
  return PatchIdentity(readString(json["baseTree"], "/baseTree"), readString(json["tree"], "/tree"))
}

private fun readActive(value: JsonValue?): ActiveRelease {
  val standing = readObject(value, "/active")["standing"]
  return ActiveRelease(
    standing = readOneOf(standing, "/active/standing", Standing.entries) { it.text },
    release = readInstalledRelease(value),
  )
}

private fun writeActive(active: ActiveRelease): JsonObject =
  jsonOf(*releaseFields(active.release), "standing" to active.standing.text)

private fun readSource(value: JsonValue?): Source {
  val json = readObject(value, "/staged")
  return when (readOneOf(json["from"], "/from", listOf("pending", "previous", "embedded")) { it }) {
    "embedded" -> Source.Embedded
    "previous" -> Source.Previous(readInstalledRelease(json["release"]))
    else -> Source.Pending(readInstalledRelease(json["release"]))
  }
}

private fun sourceFields(source: Source): Array<Pair<String, Any?>> = arrayOf(
  "from" to when (source) {
    is Source.Pending -> "pending"
    is Source.Previous -> "previous"
    is Source.Embedded -> "embedded"
  },
  "release" to source.release?.let(::writeInstalledRelease).orJsonNull(),
)

private fun readMove(value: JsonValue?): Move {
  val json = readObject(value, "/move")
  val why = readOneOf(json["why"], "/move/why", MoveReason.entries) { it.text }
  return Move(readSource(value), why, keepsCurrent = isTrue(json["keepsCurrent"]))
}

private fun writeMove(move: Move): JsonObject =
  jsonOf(*sourceFields(move.source), "why" to move.why.text, "keepsCurrent" to move.keepsCurrent)

private fun readRemembered(value: JsonValue?): RememberedRelease {
  val json = readObject(value, "/remembered")
  return RememberedRelease(
    releaseId = readString(json["releaseId"], "/releaseId"),
    sequence = readInteger(json["sequence"], "/sequence", 0),
    sha256 = readString(json["sha256"], "/sha256"),
    code = readOneOf(json["code"], "/code", SdkCode.entries) { it.text },
  )
}

private fun writeRemembered(entry: RememberedRelease): JsonObject = jsonOf(
  "releaseId" to entry.releaseId,
  "sequence" to entry.sequence,
  "sha256" to entry.sha256,
  "code" to entry.code.text,
)
