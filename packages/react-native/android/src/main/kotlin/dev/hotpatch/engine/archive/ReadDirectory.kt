package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.protocol.textFromUtf8

private class Directory(val offset: Long, val sizeBytes: Long, val count: Int)

private const val END_SIGNATURE = 0x06054b50L
private const val END_BYTES = 22
private const val MAX_COMMENT = 0xffff
private const val ZIP64_LOCATOR = 0x07064b50L
private const val ZIP64_LOCATOR_BYTES = 20
private const val OF_ZIP64 = 0xffffffffL

private const val ENTRY_SIGNATURE = 0x02014b50L
private const val ENTRY_BYTES = 46

/** For extra fields and a comment, beside the path. */
private const val MAX_EXTRA_BYTES = 1024

/**
 * Engine §4: the whole table of contents, judged before anything is unpacked.
 * @throws UpdateError archive-invalid
 */
internal fun readArchiveDirectory(archive: ArchiveFile, limits: Limits): List<ArchiveEntry> {
  val directory = findDirectory(archive)
  if (directory.count > limits.fileCount) {
    refuseArchive("it has ${directory.count} entries, allowed are ${limits.fileCount}")
  }
  val longest = directory.count.toLong() * (ENTRY_BYTES + limits.pathBytes + MAX_EXTRA_BYTES)
  if (directory.sizeBytes > minOf(longest, Int.MAX_VALUE.toLong())) refuseArchive("its table of contents is too long")
  val bytes = archive.readExactly(directory.offset, directory.sizeBytes.toInt())
  val entries = parseEntries(bytes, directory.count, limits)
  judgeTogether(entries, limits)
  placeEntries(entries, directory)
  return entries
}

private fun findDirectory(archive: ArchiveFile): Directory {
  val length = minOf(archive.sizeBytes, (ZIP64_LOCATOR_BYTES + END_BYTES + MAX_COMMENT).toLong()).toInt()
  val tail = archive.readExactly(archive.sizeBytes - length, length)
  // The last one, and no other: two readers must not find two different archives.
  var at = length - END_BYTES
  while (at >= 0 && uint32(tail, at) != END_SIGNATURE) at -= 1
  if (at < 0) refuseArchive("it is not a ZIP archive")
  if (at + END_BYTES + uint16(tail, at + 20) != length) refuseArchive("its end is not where it should be")
  val (here, count) = uint16(tail, at + 8) to uint16(tail, at + 10)
  val (sizeBytes, offset) = uint32(tail, at + 12) to uint32(tail, at + 16)
  if (uint32(tail, at + 4) != 0L || here != count) refuseArchive("it is split over several files")
  val hasLocator = at >= ZIP64_LOCATOR_BYTES && uint32(tail, at - ZIP64_LOCATOR_BYTES) == ZIP64_LOCATOR
  if (hasLocator || count == 0xffff || sizeBytes == OF_ZIP64 || offset == OF_ZIP64) refuseArchive("ZIP64 is not supported")
  if (offset + sizeBytes != archive.sizeBytes - length + at) {
    refuseArchive("its table of contents is not where it should be")
  }
  return Directory(offset, sizeBytes, count)
}

private fun parseEntries(bytes: ByteArray, count: Int, limits: Limits): List<ArchiveEntry> {
  val entries = ArrayList<ArchiveEntry>(count)
  var at = 0
  repeat(count) {
    if (at + ENTRY_BYTES > bytes.size || uint32(bytes, at) != ENTRY_SIGNATURE) refuseArchive("its table of contents is torn")
    val nameEnd = at + ENTRY_BYTES + uint16(bytes, at + 28)
    val extraEnd = nameEnd + uint16(bytes, at + 30)
    val end = extraEnd + uint16(bytes, at + 32)
    if (end > bytes.size) refuseArchive("its table of contents is torn")
    val entry = parseEntry(bytes, at, nameEnd)
    judgeEntry(entry, uint32(bytes, at + 38), limits)
    checkExtraFields(entry.path, entry.nameBytes, bytes.copyOfRange(nameEnd, extraEnd))
    entries += entry
    at = end
  }
  if (at != bytes.size) refuseArchive("its table of contents has something after the last entry")
  return entries
}

private fun parseEntry(bytes: ByteArray, at: Int, nameEnd: Int): ArchiveEntry {
  val nameBytes = bytes.copyOfRange(at + ENTRY_BYTES, nameEnd)
  return ArchiveEntry(
    path = textFromUtf8(nameBytes) ?: refuseArchive("it has a name that is not UTF-8"),
    flags = uint16(bytes, at + 8),
    method = uint16(bytes, at + 10),
    crc = uint32(bytes, at + 16),
    packedBytes = uint32(bytes, at + 20),
    sizeBytes = uint32(bytes, at + 24),
    headerOffset = uint32(bytes, at + 42),
    nameBytes = nameBytes,
  )
}

/**
 * The archive is one chain of entries from its first byte to the table of contents. Entries that share bytes would
 * unpack to far more than the archive's size suggests; bytes of no entry would be files to other readers.
 */
private fun placeEntries(entries: List<ArchiveEntry>, directory: Directory) {
  val sorted = entries.sortedBy { it.headerOffset }
  if (sorted.first().headerOffset != 0L) refuseArchive("something is before its first entry")
  for ((index, entry) in sorted.withIndex()) {
    entry.end = if (index + 1 < sorted.size) sorted[index + 1].headerOffset else directory.offset
  }
}
