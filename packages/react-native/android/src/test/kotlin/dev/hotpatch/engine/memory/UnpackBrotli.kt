package dev.hotpatch.engine.memory

import java.io.ByteArrayInputStream
import org.brotli.dec.BrotliInputStream

fun unpackBrotli(packed: ByteArray, sizeBytes: Int): ByteArray {
  val unpacked = ByteArray(sizeBytes)
  BrotliInputStream(ByteArrayInputStream(packed)).use { stream ->
    var at = 0
    while (at < sizeBytes) {
      val count = stream.read(unpacked, at, sizeBytes - at)
      if (count < 0) return unpacked.copyOf(at)
      at += count
    }
    require(stream.read() < 0) { "Expected $sizeBytes bytes, found more." }
  }
  return unpacked
}
