package dev.hotpatch.engine.download

import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

/** How much of a download is there, and under which strong ETag it was begun; without one nothing is gone on with. */
internal class Partial(val offset: Long, val etag: String)

private val NOTHING = Partial(0, "")

/** Such as ota/pending/download.json: what ota/pending/bundle.zip is a part of. */
private class PartialNote(val sha256: String, val sizeBytes: Long, val etag: String)

/** Only bytes that were announced with the same hash, under a strong ETag, are worth resuming. */
internal fun readPartial(wanted: Wanted, place: Place, files: FilesPort): Partial {
  val note = readJsonFile(files, place.note, ::readNote)
  val stat = files.stat(place.bytes)
  val fits = note != null && note.sha256 == wanted.sha256 && note.sizeBytes == wanted.sizeBytes
  if (!fits || stat?.kind != FileKind.FILE || stat.sizeBytes > wanted.sizeBytes) return NOTHING
  val isWhole = stat.sizeBytes == wanted.sizeBytes
  return if (note.etag.isNotEmpty() || isWhole) Partial(stat.sizeBytes, note.etag) else NOTHING
}

internal fun beginPartial(wanted: Wanted, place: Place, etag: String?, files: FilesPort) {
  // The old bytes go before the note says what the new ones are.
  files.remove(place.bytes)
  val strong = etag?.takeIf { it.startsWith('"') } ?: ""
  val note = jsonOf("sha256" to wanted.sha256, "sizeBytes" to wanted.sizeBytes, "etag" to strong)
  writeJsonFile(files, place.note, note)
}

private fun readNote(value: JsonValue?): PartialNote {
  val json = readObject(value, "")
  return PartialNote(
    sha256 = readString(json["sha256"], "/sha256"),
    sizeBytes = readInteger(json["sizeBytes"], "/sizeBytes", 0),
    etag = readString(json["etag"], "/etag"),
  )
}
