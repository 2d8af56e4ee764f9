package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.isTrue
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.readOneOf
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString
import dev.hotpatch.protocol.utf8FromText
import dev.hotpatch.protocol.writeJson

/**
 * ota/crash_count.json. On probation: all starts since the release was moved into place. Of a confirmed release: the
 * starts in a row that did not end well, and the last one, as only the next start knows how it ended.
 */
data class StartCount(
  val releaseId: String,
  val standing: Standing,
  val starts: Long,
  /** The app itself said, since the last start, that the release does not work. */
  val hasCrashed: Boolean = false,
  /** The app said, since the last start, that it is ready. */
  val isReady: Boolean = false,
)

fun readStartCount(files: FilesPort): StartCount? = readJsonFile(files, CRASH_COUNT) { value ->
  val json = readObject(value, "")
  StartCount(
    releaseId = readString(json["releaseId"], "/releaseId"),
    standing = readOneOf(json["standing"], "/standing", Standing.entries) { it.text },
    starts = readInteger(json["starts"], "/starts", 0),
    hasCrashed = isTrue(json["hasCrashed"]),
    isReady = isTrue(json["isReady"]),
  )
}

/** Durable when it returns: a release on probation is never started before. */
fun writeStartCount(files: FilesPort, count: StartCount) = writeJsonFile(files, CRASH_COUNT, jsonOfCount(count))

/**
 * Survives the end of the process, and not always a power cut, which is no crash of the app. So the usual start of a
 * confirmed release waits for no disk. A torn file counts nothing.
 */
fun noteStartCount(files: FilesPort, count: StartCount) =
  files.append(CRASH_COUNT, 0, utf8FromText(writeJson(jsonOfCount(count))))

fun clearStartCount(files: FilesPort) = files.remove(CRASH_COUNT)

/** Engine §3: that it is not ready says something only of apps that are known to say when they are. */
fun endedBadly(count: StartCount, tellsReady: Boolean): Boolean = count.hasCrashed || (tellsReady && !count.isReady)

private fun jsonOfCount(count: StartCount): JsonObject = jsonOf(
  "releaseId" to count.releaseId,
  "standing" to count.standing.text,
  "starts" to count.starts,
  "hasCrashed" to count.hasCrashed,
  "isReady" to count.isReady,
)
