package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.TreeFile
import dev.hotpatch.protocol.hexFromBytes
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

/** A file of a release: where it is, and what. */
typealias ReleaseFile = TreeFile

/** Engine §1: what a release directory holds, written by the engine after everything else in it is durable. */
class ReleaseMarker(val release: InstalledRelease, val files: List<ReleaseFile>)

private const val MAX_FILES = 1_000_000
private const val CHUNK = 256 * 1024

fun writeMarker(files: FilesPort, root: String, marker: ReleaseMarker) {
  val value = jsonOf("release" to writeInstalledRelease(marker.release), "files" to writeReleaseFiles(marker.files))
  writeJsonFile(files, "$root/$MARKER", value)
}

/** Which release's files may lie in a tree, finished or not; `sha256` as the release has it. */
class FoundTree(val sha256: String, val files: List<ReleaseFile>)

fun readTree(files: FilesPort, root: String): FoundTree? = readJsonFile(files, "$root/$MARKER") { value ->
  val json = readObject(value, "")
  val sha256 = json["release"]?.let { readInstalledRelease(it).sha256 } ?: readString(json["sha256"], "/sha256")
  FoundTree(sha256, readReleaseFiles(json["files"]))
}

/**
 * The release that a slot holds whole, judged by the sizes of its files: cheap enough for every start.
 * A torn removal or a lost file is seen; `thorough` also reads every byte, for trees about to change places.
 */
fun inspectSlot(files: FilesPort, crypto: CryptoPort, slot: Slot, thorough: Boolean = false): InstalledRelease? {
  val marker = readJsonFile(files, "${slot.path}/$MARKER", ::readMarker) ?: return null
  for (file in marker.files) {
    val path = "${slot.path}/${file.path}"
    val stat = files.stat(path)
    if (stat?.kind != FileKind.FILE || stat.sizeBytes != file.sizeBytes) return null
    if (thorough && hashFile(crypto, file.sizeBytes, files.reader(path)) != file.sha256) return null
  }
  return marker.release
}

/** How some bytes of one file are read. */
typealias ReadRange = (offset: Long, length: Int) -> ByteArray

fun FilesPort.reader(path: String): ReadRange = { offset, length -> readRange(path, offset, length) }

fun hashFile(crypto: CryptoPort, sizeBytes: Long, read: ReadRange): String {
  val hasher = crypto.sha256()
  for (offset in 0 until sizeBytes step CHUNK.toLong()) {
    hasher.update(read(offset, minOf(CHUNK.toLong(), sizeBytes - offset).toInt()))
  }
  return hexFromBytes(hasher.digest())
}

private fun readMarker(value: JsonValue?): ReleaseMarker {
  val json = readObject(value, "")
  return ReleaseMarker(readInstalledRelease(json["release"]), readReleaseFiles(json["files"]))
}

/** @throws UnexpectedJsonException */
fun readReleaseFiles(value: JsonValue?): List<ReleaseFile> =
  readArray(value, "/files", MAX_FILES).mapIndexed { index, item ->
    val file = readObject(item, "/files/$index")
    ReleaseFile(
      path = readString(file["path"], "/files/$index/path"),
      sizeBytes = readInteger(file["sizeBytes"], "/files/$index/sizeBytes", 0),
      sha256 = readString(file["sha256"], "/files/$index/sha256"),
    )
  }

fun writeReleaseFiles(files: List<ReleaseFile>): List<JsonValue> =
  files.map { jsonOf("path" to it.path, "sizeBytes" to it.sizeBytes, "sha256" to it.sha256) }
