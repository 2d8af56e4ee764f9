package dev.hotpatch.protocol

/** Null when [text] is not lower-case hexadecimal with whole bytes. */
fun bytesFromHex(text: String): ByteArray? {
  if (text.length % 2 != 0) return null
  val bytes = ByteArray(text.length / 2)
  for (index in bytes.indices) {
    val high = hexDigit(text[index * 2])
    val low = hexDigit(text[index * 2 + 1])
    if (high < 0 || low < 0) return null
    bytes[index] = (high shl 4 or low).toByte()
  }
  return bytes
}

fun hexFromBytes(bytes: ByteArray): String {
  val text = CharArray(bytes.size * 2)
  for (index in bytes.indices) {
    val byte = bytes[index].toInt() and 0xff
    text[index * 2] = DIGITS[byte ushr 4]
    text[index * 2 + 1] = DIGITS[byte and 0xf]
  }
  return String(text)
}

private const val DIGITS = "0123456789abcdef"

private fun hexDigit(character: Char): Int =
  when (character) {
    in '0'..'9' -> character - '0'
    in 'a'..'f' -> character - 'a' + 10
    else -> -1
  }
