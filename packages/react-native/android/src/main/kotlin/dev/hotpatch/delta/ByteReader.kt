package dev.hotpatch.delta

import dev.hotpatch.protocol.hexFromBytes
import dev.hotpatch.protocol.textFromUtf8

private const val MAX_NUMBER_BYTES = 8
private const val MAX_NUMBER = 9007199254740991L

/** A part of some bytes, read from its beginning to its end. Takes no copies. */
class ByteReader(private val bytes: ByteArray, private var at: Int, private val end: Int, private val what: String) {
  constructor(bytes: ByteArray, what: String) : this(bytes, 0, bytes.size, what)

  fun byte(): Int = bytes[skip(1)].toInt() and 0xff

  /** Patches §5.2: seven bits at a time, the lowest first; up to 2^53 − 1, in as few bytes as it takes. */
  fun number(): Long {
    var value = 0L
    for (index in 0 until MAX_NUMBER_BYTES) {
      val next = byte()
      value = value or ((next and 0x7f).toLong() shl 7 * index)
      if (next >= 0x80) continue
      if (next == 0 && index > 0) throw damaged("Expected the shortest form of a number of $what, found a longer one.")
      if (value > MAX_NUMBER) break
      return value
    }
    throw damaged("Expected a number of $what below 2^53, found a larger one.")
  }

  /** @return where they begin */
  fun skip(length: Long): Int {
    if (length > end - at) throw damaged("Expected $length bytes more of $what, found ${end - at}.")
    at += length.toInt()
    return at - length.toInt()
  }

  private fun skip(length: Int): Int = skip(length.toLong())

  fun copy(length: Long, into: ByteArray, offset: Int) {
    val from = skip(length)
    System.arraycopy(bytes, from, into, offset, length.toInt())
  }

  /** Adds to each of the next bytes that of [base], which is long enough. */
  fun add(length: Int, base: ByteArray, baseOffset: Int, into: ByteArray, offset: Int) {
    val from = skip(length)
    for (index in 0 until length) {
      into[offset + index] = (bytes[from + index] + base[baseOffset + index]).toByte()
    }
  }

  fun hex(length: Int): String {
    val from = skip(length)
    return hexFromBytes(bytes.copyOfRange(from, from + length))
  }

  /** Null for what is no UTF-8. */
  fun text(length: Int): String? {
    val from = skip(length)
    return textFromUtf8(bytes, from, length)
  }

  /** Refuses what is left. */
  fun end() {
    if (at < end) throw damaged("Expected the end of $what, found ${end - at} bytes more.")
  }
}
