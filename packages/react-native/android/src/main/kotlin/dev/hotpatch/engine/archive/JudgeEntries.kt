package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.protocol.filePathFault
import dev.hotpatch.protocol.findPathConflict

private const val FILE_TYPE = 0xf000
private const val REGULAR = 0x8000
private const val FOLDER = 0x4000
private const val DOS_FOLDER = 0x10L
private const val WINDOWS_REPARSE_POINT = 0x400L

/** @param attributes Unix's in the upper half, those of DOS in the lower */
internal fun judgeEntry(entry: ArchiveEntry, attributes: Long, limits: Limits) {
  val path = entry.path
  filePathFault(path, limits.pathBytes)?.let { refuseArchive("a path has ${it.found}: \"${path.take(200)}\"") }
  // Without the flag it is anyone's guess in which encoding a name is.
  if (path.length != entry.nameBytes.size && !entry.has(IS_UTF8)) refuseArchive("it has a name that is not UTF-8 as it says")
  if (entry.has(ENCRYPTION)) refuseArchive("$path is encrypted")
  if (entry.has((HAS_DESCRIPTOR or IS_UTF8 or COMPRESSION_LEVEL).inv())) refuseArchive("$path needs special features")
  if (entry.method != STORED && entry.method != DEFLATED) refuseArchive("$path is packed with method ${entry.method}")
  // A reader that unpacks while it downloads cannot find the end of such an entry.
  if (entry.method == STORED && entry.has(HAS_DESCRIPTOR)) refuseArchive("$path is stored without saying its size first")
  if (isOther(entry, attributes)) refuseArchive("$path is a link or a device, or not of the kind that its name says")
  if (entry.isFolder && entry.sizeBytes > 0) refuseArchive("$path is a directory with content")
}

private fun isOther(entry: ArchiveEntry, attributes: Long): Boolean {
  val type = (attributes ushr 16).toInt() and FILE_TYPE
  val others = if (entry.isFolder) WINDOWS_REPARSE_POINT else WINDOWS_REPARSE_POINT or DOS_FOLDER
  return attributes and others != 0L || (type != 0 && type != if (entry.isFolder) FOLDER else REGULAR)
}

internal fun judgeTogether(entries: List<ArchiveEntry>, limits: Limits) {
  findPathConflict(entries.map { it.path })?.let { refuseArchive("of ${it.path} and ${it.other} only one can be") }
  if (entries.all { it.isFolder }) refuseArchive("it has no files")
  val unpacked = entries.sumOf { it.sizeBytes }
  if (unpacked > limits.unpackedBytes) {
    refuseArchive("unpacked it has $unpacked bytes, allowed are ${limits.unpackedBytes}")
  }
}
