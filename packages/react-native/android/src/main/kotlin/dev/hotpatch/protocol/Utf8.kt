package dev.hotpatch.protocol

/** Half a character, a surrogate alone, becomes U+FFFD. */
fun utf8FromText(text: String): ByteArray {
  val bytes = ByteArray(utf8Length(text))
  var at = 0
  var index = 0
  while (index < text.length) {
    val point = pointAt(text, index)
    index += if (point > 0xffff) 2 else 1
    at = putPoint(bytes, at, if (isSurrogate(point)) 0xfffd else point)
  }
  return bytes
}

/** Of its UTF-8. */
fun utf8Length(text: String): Int {
  var length = 0
  var index = 0
  while (index < text.length) {
    val point = pointAt(text, index)
    index += if (point > 0xffff) 2 else 1
    length += if (point < 0x80) 1 else if (point < 0x800) 2 else if (point < 0x10000) 3 else 4
  }
  return length
}

/** Strict: null for bytes that are not UTF-8, overlong forms and surrogates included. */
fun textFromUtf8(bytes: ByteArray, offset: Int = 0, length: Int = bytes.size - offset): String? {
  // No text has more units than its UTF-8 has bytes.
  val units = CharArray(length)
  var count = 0
  var at = offset
  val end = offset + length
  while (at < end) {
    val lead = bytes[at].toInt() and 0xff
    if (lead < 0x80) {
      units[count++] = lead.toChar()
      at += 1
      continue
    }
    val size = if (lead < 0xc2) 0 else if (lead < 0xe0) 2 else if (lead < 0xf0) 3 else if (lead < 0xf5) 4 else 0
    if (size == 0 || at + size > end) return null
    var point = lead and (0x7f shr size)
    for (index in at + 1 until at + size) {
      val byte = bytes[index].toInt()
      if (byte and 0xc0 != 0x80) return null
      point = point shl 6 or (byte and 0x3f)
    }
    val isOverlong = size == 3 && point < 0x800 || size == 4 && point < 0x10000
    if (isOverlong || point > 0x10ffff || isSurrogate(point)) return null
    at += size
    if (point < 0x10000) {
      units[count++] = point.toChar()
    } else {
      units[count++] = Character.highSurrogate(point)
      units[count++] = Character.lowSurrogate(point)
    }
  }
  return String(units, 0, count)
}

/** Whether no character is only half there: as UTF-8 all halves are the same, and databases refuse them. */
fun isWellFormed(text: String): Boolean {
  var index = 0
  while (index < text.length) {
    val point = pointAt(text, index)
    if (isSurrogate(point)) return false
    index += if (point > 0xffff) 2 else 1
  }
  return true
}

internal fun pointAt(text: String, index: Int): Int = Character.codePointAt(text, index)

private fun isSurrogate(point: Int): Boolean = point in 0xd800..0xdfff

private fun putPoint(bytes: ByteArray, from: Int, point: Int): Int {
  var at = from
  when {
    point < 0x80 -> bytes[at++] = point.toByte()
    point < 0x800 -> {
      bytes[at++] = (0xc0 or (point shr 6)).toByte()
      bytes[at++] = tail(point)
    }
    point < 0x10000 -> {
      bytes[at++] = (0xe0 or (point shr 12)).toByte()
      bytes[at++] = tail(point shr 6)
      bytes[at++] = tail(point)
    }
    else -> {
      bytes[at++] = (0xf0 or (point shr 18)).toByte()
      bytes[at++] = tail(point shr 12)
      bytes[at++] = tail(point shr 6)
      bytes[at++] = tail(point)
    }
  }
  return at
}

private fun tail(bits: Int): Byte = (0x80 or (bits and 0x3f)).toByte()
