package dev.hotpatch.delta

/** How indexes and frames are packed: RFC 1951 without any header, and RFC 7932. */
enum class Packing(internal val byte: Int, val text: String) { DEFLATE(1, "deflate"), BROTLI(2, "brotli") }

/** Everything that `packed` stands for, which must be `sizeBytes`: stops with an error before more is made of it. */
typealias Unpack = (packed: ByteArray, sizeBytes: Int) -> ByteArray

/** Null for what this machine cannot unpack. */
class Unpacking(private val deflate: Unpack?, private val brotli: Unpack?) {
  internal fun unpack(packing: Packing, packed: ByteArray, sizeBytes: Int): ByteArray {
    val run = (if (packing == Packing.DEFLATE) deflate else brotli) ?: throw unsupported("that this machine has", packing.text)
    val bytes = try {
      run(packed, sizeBytes)
    } catch (cause: Exception) {
      throw PatchException(PatchErrorCode.PATCH_DAMAGED, "Expected ${packing.text}, found something else.", cause)
    }
    if (bytes.size != sizeBytes) throw damaged("Expected $sizeBytes bytes to be unpacked, found ${bytes.size}.")
    return bytes
  }
}

internal fun readPacking(byte: Int): Packing =
  Packing.entries.find { it.byte == byte } ?: throw unsupported("that is known", byte.toString())

private fun unsupported(expected: String, found: String) =
  PatchException(PatchErrorCode.PACKING_UNSUPPORTED, "Expected a packing $expected, found $found.")
