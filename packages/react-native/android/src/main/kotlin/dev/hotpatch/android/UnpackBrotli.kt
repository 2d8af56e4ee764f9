package dev.hotpatch.android

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import org.brotli.dec.BrotliInputStream

private const val PIECE_BYTES = 64 * 1024

/** @throws IOException for what is no brotli, for what goes on behind its end, and before it is more than [sizeBytes] */
fun unpackBrotli(packed: ByteArray, sizeBytes: Int): ByteArray {
  val source = FirstBytes(packed, packed.size)
  val unpacked = unpack(source, sizeBytes)
  if (!source.isOver && endsBefore(packed, sizeBytes)) throw IOException("something is behind its end")
  return unpacked
}

/** The reader refuses what is behind the end only when it has met the end of its input, too: with a byte less it does. */
private fun endsBefore(packed: ByteArray, sizeBytes: Int): Boolean = try {
  unpack(FirstBytes(packed, packed.size - 1), sizeBytes)
  true
} catch (error: IOException) {
  error.cause?.message == "Unused bytes after end"
}

private fun unpack(source: InputStream, sizeBytes: Int): ByteArray {
  val unpacked = ByteArrayOutputStream(minOf(sizeBytes, PIECE_BYTES))
  val piece = ByteArray(PIECE_BYTES)
  BrotliInputStream(source).use { stream ->
    while (true) {
      val count = stream.read(piece)
      if (count < 0) return unpacked.toByteArray()
      if (unpacked.size() + count > sizeBytes) throw IOException("more than $sizeBytes bytes come out of it")
      unpacked.write(piece, 0, count)
    }
  }
}

private class FirstBytes(private val bytes: ByteArray, private val end: Int) : InputStream() {
  private var at = 0

  /** Somebody read on where nothing is any more. */
  var isOver = false
    private set

  override fun read(): Int {
    isOver = isOver || at >= end
    return if (isOver) -1 else bytes[at++].toInt() and 0xff
  }

  override fun read(into: ByteArray, offset: Int, length: Int): Int {
    isOver = isOver || at >= end
    if (isOver) return -1
    val count = minOf(length, end - at)
    System.arraycopy(bytes, at, into, offset, count)
    at += count
    return count
  }
}
