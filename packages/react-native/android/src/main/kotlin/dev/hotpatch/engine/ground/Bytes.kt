package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readJson
import dev.hotpatch.protocol.textFromUtf8

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
    val digit = ALPHABET.indexOf(text[index])
    if (digit < 0) return null
    held = (held shl 6) or digit
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[length] = (held shr bits).toByte()
    length += 1
    held = held and ((1 shl bits) - 1)
  }
  return if (held == 0) bytes else null
}

/** Null when the bytes are not UTF-8 or not JSON: the caller treats it like any other content that is not what it must be. */
fun jsonFromUtf8(bytes: ByteArray): JsonValue? {
  val text = textFromUtf8(bytes) ?: return null
  return try {
    readJson(text)
  } catch (_: UnexpectedJsonException) {
    null
  }
}

/** The only part itself, when there is one. */
fun concat(parts: List<ByteArray>): ByteArray {
  if (parts.size == 1) return parts[0]
  val joined = ByteArray(parts.sumOf { it.size })
  var offset = 0
  for (part in parts) {
    part.copyInto(joined, offset)
    offset += part.size
  }
  return joined
}
