package dev.hotpatch.engine.archive

private const val HEADER_SIGNATURE = 0x04034b50L
private const val HEADER_BYTES = 30
private const val DESCRIPTOR_SIGNATURE = 0x08074b50L
private const val DESCRIPTOR_BYTES = 16

/**
 * Engine §4: where an entry's content begins. Its header, its content and what follows fill the place up to the next
 * part, and say what the table of contents says: readers that go by the one and by the other unpack the same.
 */
internal fun findContent(archive: ArchiveFile, entry: ArchiveEntry): Long {
  val header = readOwn(archive, entry, entry.headerOffset, HEADER_BYTES)
  if (uint32(header, 0) != HEADER_SIGNATURE) refuseArchive("${entry.path} is not where it should be")
  val (nameLength, extraLength) = uint16(header, 26) to uint16(header, 28)
  val rest = readOwn(archive, entry, entry.headerOffset + HEADER_BYTES, nameLength + extraLength)
  if (!rest.copyOf(nameLength).contentEquals(entry.nameBytes)) refuseTwice(entry)
  checkExtraFields(entry.path, entry.nameBytes, rest.copyOfRange(nameLength, rest.size))
  checkHeader(header, entry)
  val start = entry.headerOffset + HEADER_BYTES + nameLength + extraLength
  checkWhatFollows(archive, entry, start + entry.packedBytes)
  return start
}

private fun checkHeader(header: ByteArray, entry: ArchiveEntry) {
  val isOtherKind = (uint16(header, 6) xor entry.flags) and COMPRESSION_LEVEL.inv() != 0
  if (isOtherKind || uint16(header, 8) != entry.method) refuseTwice(entry)
  val isLater = entry.has(HAS_DESCRIPTOR)
  expectSaid(uint32(header, 14), entry.crc, isLater, entry)
  expectSaid(uint32(header, 18), entry.packedBytes, isLater, entry)
  expectSaid(uint32(header, 22), entry.sizeBytes, isLater, entry)
}

private fun expectSaid(said: Long, expected: Long, isLater: Boolean, entry: ArchiveEntry) {
  if (said != expected && !(isLater && said == 0L)) refuseTwice(entry)
}

private fun checkWhatFollows(archive: ArchiveFile, entry: ArchiveEntry, from: Long) {
  val length = entry.end - from
  if (length < 0) refuseArchive("${entry.path} overlaps what follows it")
  val hasDescriptor = entry.has(HAS_DESCRIPTOR)
  if (length > if (hasDescriptor) DESCRIPTOR_BYTES else 0) refuseArchive("$length bytes after ${entry.path} are nobody's")
  if (!hasDescriptor) return
  val found = archive.readExactly(from, length.toInt())
  // The signature is optional.
  val values = when (found.size) {
    DESCRIPTOR_BYTES -> if (uint32(found, 0) == DESCRIPTOR_SIGNATURE) 4 else refuseTwice(entry)
    DESCRIPTOR_BYTES - 4 -> 0
    else -> refuseTwice(entry)
  }
  val isSame = uint32(found, values) == entry.crc &&
    uint32(found, values + 4) == entry.packedBytes &&
    uint32(found, values + 8) == entry.sizeBytes
  if (!isSame) refuseTwice(entry)
}

private fun readOwn(archive: ArchiveFile, entry: ArchiveEntry, offset: Long, length: Int): ByteArray {
  if (offset + length > entry.end) refuseArchive("${entry.path} overlaps what follows it")
  return archive.readExactly(offset, length)
}

private fun refuseTwice(entry: ArchiveEntry): Nothing = refuseArchive("${entry.path} is described in two different ways")
