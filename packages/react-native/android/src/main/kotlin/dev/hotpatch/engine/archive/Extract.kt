package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.state.ReleaseFile
import dev.hotpatch.protocol.hexFromBytes
import java.io.ByteArrayOutputStream
import java.util.zip.CRC32

private const val READ_BYTES = 16 * 1024
private const val WRITE_BYTES = 256 * 1024

/** Every file of the archive, below a folder that is there and empty. */
internal fun extractInto(ports: Ports, archive: ArchiveFile, entries: List<ArchiveEntry>, root: String): List<ReleaseFile> {
  val extracted = ArrayList<ReleaseFile>(entries.size)
  for (entry in entries) {
    if (entry.isFolder) {
      // Folders come into being with their files. Nothing may hide in what is said of them.
      readEntry(archive, entry, take = { _, _ -> }, pause = {})
      continue
    }
    val target = "$root/${entry.path}"
    ports.files.makeDirectory(target.substringBeforeLast('/'))
    extracted += extractEntry(ports, archive, entry, target)
  }
  return extracted
}

private fun extractEntry(ports: Ports, archive: ArchiveFile, entry: ArchiveEntry, target: String): ReleaseFile {
  val files = ports.files
  val hasher = ports.crypto.sha256()
  val held = ByteArrayOutputStream()
  var written = 0L
  fun flush() {
    val bytes = held.toByteArray()
    hasher.update(bytes)
    files.append(target, written, bytes)
    written += bytes.size
    held.reset()
  }
  readEntry(
    archive,
    entry,
    take = { bytes, length -> held.write(bytes, 0, length) },
    pause = { if (held.size() >= WRITE_BYTES) flush() },
  )
  if (written == 0L) {
    val bytes = held.toByteArray()
    hasher.update(bytes)
    files.write(target, bytes)
  } else {
    flush()
    files.sync(target)
  }
  return ReleaseFile(entry.path, entry.sizeBytes, hexFromBytes(hasher.digest()))
}

/** Every byte of an entry's content goes to [take]; [pause] is called between what is read. Refuses what is not as it says. */
private fun readEntry(archive: ArchiveFile, entry: ArchiveEntry, take: Take, pause: () -> Unit) {
  val start = findContent(archive, entry)
  val crc = CRC32()
  var seen = 0L
  val measure: Take = { bytes, length ->
    seen += length
    if (seen > entry.sizeBytes) refuseArchive("${entry.path} is larger than it says")
    crc.update(bytes, 0, length)
    take(bytes, length)
  }
  val unpacker = if (entry.method == DEFLATED) DeflatedUnpacker(entry.path, measure) else StoredUnpacker(measure)
  try {
    for (at in 0L until entry.packedBytes step READ_BYTES.toLong()) {
      unpacker.push(archive.readExactly(start + at, minOf(READ_BYTES.toLong(), entry.packedBytes - at).toInt()))
      pause()
    }
    unpacker.end()
  } finally {
    unpacker.close()
  }
  if (seen != entry.sizeBytes) refuseArchive("${entry.path} is smaller than it says")
  if (crc.value != entry.crc) refuseArchive("${entry.path} has another checksum than it says")
}
