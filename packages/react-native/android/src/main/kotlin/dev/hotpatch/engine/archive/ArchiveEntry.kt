package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.protocol.SdkCode

/** What the table of contents says of one file or folder. */
internal class ArchiveEntry(
  /** A folder's ends in a slash. */
  val path: String,
  val flags: Int,
  val method: Int,
  val crc: Long,
  val packedBytes: Long,
  val sizeBytes: Long,
  /** Of the header in front of its content. */
  val headerOffset: Long,
  val nameBytes: ByteArray,
) {
  val isFolder: Boolean = path.endsWith('/')

  /** Where the next part of the archive begins: everything up to there is this entry's own. */
  var end: Long = 0

  fun has(flag: Int): Boolean = flags and flag != 0
}

internal const val STORED = 0
internal const val DEFLATED = 8

/** The sizes follow the content, because the writer did not know them before. */
internal const val HAS_DESCRIPTOR = 0x8
internal const val IS_UTF8 = 0x800

/** How hard the writer tried; means nothing to a reader. */
internal const val COMPRESSION_LEVEL = 0x6
internal const val ENCRYPTION = 0x2041

/* As the format has all numbers: the lowest byte first. */

internal fun uint16(bytes: ByteArray, at: Int): Int =
  (bytes[at].toInt() and 0xff) or (bytes[at + 1].toInt() and 0xff shl 8)

internal fun uint32(bytes: ByteArray, at: Int): Long = uint16(bytes, at).toLong() or (uint16(bytes, at + 2).toLong() shl 16)

internal fun refuseArchive(message: String): Nothing =
  throw UpdateError(SdkCode.ARCHIVE_INVALID, "the archive is refused: $message")
