package dev.hotpatch.protocol

/** Android has java.util.Base64 from API 26 on only, and its readers take what is no base64. */

private const val ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** Strict: null for anything that is not padded, canonical base64. */
fun bytesFromBase64(text: String): ByteArray? {
  if (text.length % 4 != 0) return null
  val padding = if (text.endsWith("==")) 2 else if (text.endsWith("=")) 1 else 0
  val bytes = ByteArray(text.length / 4 * 3 - padding)
  var bits = 0
  var held = 0
  var length = 0
  for (index in 0 until text.length - padding) {
    val digit = digitOf(text[index])
    if (digit < 0) return null
    held = held shl 6 or digit
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = (held shr bits).toByte()
    held = held and ((1 shl bits) - 1)
  }
  return if (held == 0) bytes else null
}

fun base64FromBytes(bytes: ByteArray): String {
  val text = StringBuilder((bytes.size + 2) / 3 * 4)
  for (at in bytes.indices step 3) {
    val left = Math.min(3, bytes.size - at)
    var held = 0
    for (index in 0 until 3) held = held shl 8 or if (index < left) bytes[at + index].toInt() and 0xff else 0
    for (index in 0 until 4) text.append(if (index <= left) ALPHABET[held ushr (18 - 6 * index) and 0x3f] else '=')
  }
  return text.toString()
}

private fun digitOf(character: Char): Int =
  when (character) {
    in 'A'..'Z' -> character - 'A'
    in 'a'..'z' -> character - 'a' + 26
    in '0'..'9' -> character - '0' + 52
    '+' -> 62
    '/' -> 63
    else -> -1
  }
