package dev.hotpatch.protocol

import java.math.BigDecimal
import java.math.MathContext
import java.math.RoundingMode

/** As `JSON.stringify` writes it. */
fun writeJson(value: JsonValue): String = StringBuilder().also { write(value, it, 0) }.toString()

/** Deeper than anything that is written here: what was read may nest without end. */
private const val MAX_DEPTH = 500

private fun write(value: JsonValue, into: StringBuilder, depth: Int) {
  require(depth <= MAX_DEPTH) { "expected JSON that nests at most $MAX_DEPTH deep, found more" }
  when (value) {
    is JsonObject -> {
      var separator = '{'
      for ((name, field) in value.fields) {
        into.append(separator)
        writeText(name, into)
        into.append(':')
        write(field, into, depth + 1)
        separator = ','
      }
      into.append(if (separator == '{') "{}" else "}")
    }
    is JsonArray -> {
      into.append('[')
      for ((index, item) in value.items.withIndex()) {
        if (index > 0) into.append(',')
        write(item, into, depth + 1)
      }
      into.append(']')
    }
    is JsonString -> writeText(value.value, into)
    is JsonNumber -> into.append(textOfNumber(value.value))
    is JsonBoolean -> into.append(value.value)
    is JsonNull -> into.append("null")
  }
}

private fun writeText(text: String, into: StringBuilder) {
  into.append('"')
  for (index in text.indices) {
    when (val character = text[index]) {
      '"' -> into.append("\\\"")
      '\\' -> into.append("\\\\")
      '\b' -> into.append("\\b")
      '\u000c' -> into.append("\\f")
      '\n' -> into.append("\\n")
      '\r' -> into.append("\\r")
      '\t' -> into.append("\\t")
      else -> if (character < ' ' || isAlone(text, index)) writeUnit(character, into) else into.append(character)
    }
  }
  into.append('"')
}

private fun writeUnit(character: Char, into: StringBuilder) {
  into.append("\\u")
  for (shift in intArrayOf(12, 8, 4, 0)) into.append("0123456789abcdef"[character.code ushr shift and 0xf])
}

/** Half a character whose other half is not beside it. */
private fun isAlone(text: String, index: Int): Boolean {
  val character = text[index]
  if (character.isHighSurrogate()) return index + 1 >= text.length || !text[index + 1].isLowSurrogate()
  return character.isLowSurrogate() && (index == 0 || !text[index - 1].isHighSurrogate())
}

/** ECMAScript's Number::toString; `null` for what JSON has no number for. */
internal fun textOfNumber(value: Double): String {
  if (value.isNaN() || value.isInfinite()) return "null"
  if (isSafeInteger(value)) return value.toLong().toString()
  val shortest = shortestOf(value)
  val digits = shortest.unscaledValue().abs().toString()
  val point = digits.length - shortest.scale()
  val text = when {
    digits.length <= point && point <= 21 -> digits + "0".repeat(point - digits.length)
    point in 1..21 -> "${digits.substring(0, point)}.${digits.substring(point)}"
    point in -5..0 -> "0.${"0".repeat(-point)}$digits"
    else -> exponential(digits, point - 1)
  }
  return if (value < 0) "-$text" else text
}

private fun exponential(digits: String, exponent: Int): String {
  val fraction = if (digits.length > 1) ".${digits.substring(1)}" else ""
  return "${digits[0]}${fraction}e${if (exponent < 0) "-" else "+"}${Math.abs(exponent)}"
}

/** The fewest digits that are read as this number. Java's own way to write it has more, before Java 19. */
private fun shortestOf(value: Double): BigDecimal {
  val exact = BigDecimal(value)
  for (precision in 1..16) {
    val rounded = exact.round(MathContext(precision, RoundingMode.HALF_EVEN))
    if (rounded.toDouble() == value) return rounded.stripTrailingZeros()
  }
  return exact.round(MathContext(17, RoundingMode.HALF_EVEN)).stripTrailingZeros()
}
