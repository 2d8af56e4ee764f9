package dev.hotpatch.android

import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.IOException
import org.brotli.dec.BrotliInputStream

private const val PIECE_BYTES = 64 * 1024

/** @throws IOException for what is no brotli, and before it is more than [sizeBytes] */
fun unpackBrotli(packed: ByteArray, sizeBytes: Int): ByteArray {
  val unpacked = ByteArrayOutputStream(minOf(sizeBytes, PIECE_BYTES))
  val piece = ByteArray(PIECE_BYTES)
  BrotliInputStream(ByteArrayInputStream(packed)).use { stream ->
    while (true) {
      val count = stream.read(piece)
      if (count < 0) return unpacked.toByteArray()
      if (unpacked.size() + count > sizeBytes) throw IOException("more than $sizeBytes bytes come out of it")
      unpacked.write(piece, 0, count)
    }
  }
}
