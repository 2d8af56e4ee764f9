package dev.hotpatch.protocol

/**
 * As `JSON.parse` reads it, to the last byte: a reader that takes more, less or something else is a way around what was
 * signed. What nests costs no stack, so the length of the text is the only bound that is needed.
 *
 * @throws UnexpectedJsonException
 */
fun readJson(text: String): JsonValue =
  try {
    JsonParser(text).parse()
  } catch (cause: JsonSyntaxException) {
    throw UnexpectedJsonException("", "JSON", JsonString(text), cause)
  }

private class JsonSyntaxException(at: Int) : Exception("not JSON at character $at")

/** An object or an array of which the end was not seen yet. */
private class OpenValue(val fields: LinkedHashMap<String, JsonValue>?) {
  val items: ArrayList<JsonValue>? = if (fields == null) ArrayList() else null
  var name = ""

  fun add(value: JsonValue) {
    if (fields != null) fields[name] = value else items!!.add(value)
  }

  fun close(): JsonValue = if (fields != null) JsonObject(inJavaScriptOrder(fields)) else JsonArray(items!!)
}

private class JsonParser(private val text: String) {
  private var at = 0

  fun parse(): JsonValue {
    val open = ArrayList<OpenValue>()
    while (true) {
      var value = readValue(open)
      // What was opened is filled by the next turns, and what was closed may close what is around it.
      while (value != null) {
        val around = open.lastOrNull() ?: return finish(value)
        around.add(value)
        value = if (goesOn(around)) null else open.removeAt(open.size - 1).close()
      }
    }
  }

  private fun finish(value: JsonValue): JsonValue {
    skipSpace()
    if (at != text.length) refuse()
    return value
  }

  /** Null when it is opened only. */
  private fun readValue(open: MutableList<OpenValue>): JsonValue? {
    skipSpace()
    when (peek()) {
      '{' -> {
        at += 1
        val opened = OpenValue(LinkedHashMap())
        skipSpace()
        if (take('}')) return opened.close()
        opened.name = readName()
        open.add(opened)
        return null
      }
      '[' -> {
        at += 1
        val opened = OpenValue(null)
        skipSpace()
        if (take(']')) return opened.close()
        open.add(opened)
        return null
      }
      '"' -> return JsonString(readText())
      't' -> return readWord("true", JsonBoolean(true))
      'f' -> return readWord("false", JsonBoolean(false))
      'n' -> return readWord("null", JsonNull)
      else -> return JsonNumber(readNumber())
    }
  }

  /** Behind a value of it. */
  private fun goesOn(around: OpenValue): Boolean {
    skipSpace()
    if (take(',')) {
      if (around.fields != null) {
        skipSpace()
        around.name = readName()
      }
      return true
    }
    if (!take(if (around.fields != null) '}' else ']')) refuse()
    return false
  }

  private fun readName(): String {
    if (peek() != '"') refuse()
    val name = readText()
    skipSpace()
    if (!take(':')) refuse()
    return name
  }

  private fun readWord(word: String, value: JsonValue): JsonValue {
    if (!text.startsWith(word, at)) refuse()
    at += word.length
    return value
  }

  private fun readText(): String {
    at += 1
    val start = at
    while (at < text.length) {
      val character = text[at]
      if (character == '"') {
        at += 1
        return text.substring(start, at - 1)
      }
      if (character == '\\') return readEscaped(StringBuilder(text.substring(start, at)))
      if (character < ' ') refuse()
      at += 1
    }
    refuse()
  }

  private fun readEscaped(into: StringBuilder): String {
    while (at < text.length) {
      val character = text[at]
      at += 1
      when {
        character == '"' -> return into.toString()
        character == '\\' -> into.append(readEscape())
        character < ' ' -> refuse()
        else -> into.append(character)
      }
    }
    refuse()
  }

  private fun readEscape(): Char {
    val character = peek()
    at += 1
    return when (character) {
      '"', '\\', '/' -> character
      'b' -> '\b'
      'f' -> '\u000c'
      'n' -> '\n'
      'r' -> '\r'
      't' -> '\t'
      'u' -> readUnit()
      else -> refuse()
    }
  }

  private fun readUnit(): Char {
    var unit = 0
    repeat(4) {
      val digit = when (val character = peek()) {
        in '0'..'9' -> character - '0'
        in 'a'..'f' -> character - 'a' + 10
        in 'A'..'F' -> character - 'A' + 10
        else -> refuse()
      }
      unit = unit shl 4 or digit
      at += 1
    }
    return unit.toChar()
  }

  private fun readNumber(): Double {
    val start = at
    take('-')
    if (!take('0')) readDigits()
    if (take('.')) readDigits()
    if (take('e') || take('E')) {
      if (!take('+')) take('-')
      readDigits()
    }
    return text.substring(start, at).toDouble()
  }

  private fun readDigits() {
    val start = at
    while (peek() in '0'..'9') at += 1
    if (at == start) refuse()
  }

  private fun skipSpace() {
    while (at < text.length) {
      val character = text[at]
      if (character != ' ' && character != '\n' && character != '\r' && character != '\t') return
      at += 1
    }
  }

  private fun take(character: Char): Boolean {
    if (peek() != character) return false
    at += 1
    return true
  }

  /** U+0000 at the end, which is nowhere in JSON. */
  private fun peek(): Char = if (at < text.length) text[at] else '\u0000'

  private fun refuse(): Nothing = throw JsonSyntaxException(at)
}

/** In JavaScript the names that are numbers come first, in their order. */
private fun inJavaScriptOrder(fields: LinkedHashMap<String, JsonValue>): Map<String, JsonValue> {
  if (fields.keys.none { isIndex(it) }) return fields
  val (indices, others) = fields.entries.partition { isIndex(it.key) }
  val sorted = LinkedHashMap<String, JsonValue>()
  for ((name, value) in indices.sortedBy { it.key.toLong() } + others) sorted[name] = value
  return sorted
}

private const val MAX_INDEX = 4294967294L

private fun isIndex(name: String): Boolean {
  if (name.isEmpty() || name.length > 10 || name[0] == '0' && name.length > 1) return false
  for (character in name) if (character !in '0'..'9') return false
  return name.toLong() <= MAX_INDEX
}
