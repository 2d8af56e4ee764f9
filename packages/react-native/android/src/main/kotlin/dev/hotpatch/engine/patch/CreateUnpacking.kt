package dev.hotpatch.engine.patch

import dev.hotpatch.delta.Unpack
import dev.hotpatch.delta.Unpacking
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import java.util.zip.Inflater

/** Patches §5.1, bounded by what this device has memory for: what a patch says of itself takes none before. */
internal fun createUnpacking(ports: Ports, limits: Limits): Unpacking {
  fun bounded(unpack: Unpack): Unpack = { packed, sizeBytes ->
    require(sizeBytes in 0..limits.patchPieceBytes) {
      "Expected up to ${limits.patchPieceBytes} bytes at a time, found $sizeBytes."
    }
    unpack(packed, sizeBytes)
  }
  return Unpacking(deflate = bounded(::inflate), brotli = ports.unpackBrotli?.let(::bounded))
}

/** RFC 1951 without any header: exactly so many bytes, of all of what is packed. */
private fun inflate(packed: ByteArray, sizeBytes: Int): ByteArray {
  val inflater = Inflater(true)
  try {
    inflater.setInput(packed)
    // One more than there may be, so that what is longer is seen.
    val unpacked = ByteArray(sizeBytes + 1)
    var at = 0
    while (!inflater.finished()) {
      val count = inflater.inflate(unpacked, at, unpacked.size - at)
      at += count
      require(at <= sizeBytes) { "Expected $sizeBytes bytes, found more." }
      require(count > 0 || inflater.finished()) { "Expected more than ${packed.size} packed bytes." }
    }
    require(inflater.remaining == 0) { "Expected the end of what is packed, found ${inflater.remaining} bytes more." }
    return unpacked.copyOf(at)
  } finally {
    inflater.end()
  }
}
