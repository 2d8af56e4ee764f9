package dev.hotpatch.testing

import java.io.ByteArrayInputStream
import java.io.IOException
import java.util.zip.Inflater
import org.brotli.dec.BrotliInputStream

/** For tests of what takes unpackers from outside. */
object TestUnpacking {
  fun inflate(packed: ByteArray, sizeBytes: Int): ByteArray {
    val inflater = Inflater(true)
    try {
      inflater.setInput(packed)
      val unpacked = ByteArray(sizeBytes + 1)
      var at = 0
      while (!inflater.finished() && at <= sizeBytes) {
        val count = inflater.inflate(unpacked, at, unpacked.size - at)
        if (count == 0 && !inflater.finished()) throw IOException("it ends too early")
        at += count
      }
      if (at > sizeBytes || inflater.remaining > 0) throw IOException("it goes on")
      return unpacked.copyOf(at)
    } finally {
      inflater.end()
    }
  }

  fun unpackBrotli(packed: ByteArray, sizeBytes: Int): ByteArray {
    val unpacked = brotli(packed, packed.size, sizeBytes)
    // Its reader passes over some of what is behind the end.
    val endsBefore = runCatching { brotli(packed, packed.size - 1, sizeBytes) }.isSuccess
    if (endsBefore) throw IOException("something is behind its end")
    return unpacked
  }

  private fun brotli(packed: ByteArray, length: Int, sizeBytes: Int): ByteArray {
    val unpacked = BrotliInputStream(ByteArrayInputStream(packed, 0, length)).readNBytes(sizeBytes + 1)
    if (unpacked.size > sizeBytes) throw IOException("it goes on")
    return unpacked
  }
}
