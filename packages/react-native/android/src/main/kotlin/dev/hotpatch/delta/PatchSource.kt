package dev.hotpatch.delta

/** A patch, in memory or in a file: it is read piece by piece. */
interface PatchSource {
  val sizeBytes: Long

  fun read(offset: Long, length: Int): ByteArray
}

internal fun readPiece(source: PatchSource, offset: Long, length: Int): ByteArray {
  if (offset + length > source.sizeBytes) {
    throw damaged("Expected $length bytes at $offset of a patch, found its end at ${source.sizeBytes}.")
  }
  val bytes = source.read(offset, length)
  if (bytes.size != length) throw damaged("Expected $length bytes of a patch, read ${bytes.size}.")
  return bytes
}
