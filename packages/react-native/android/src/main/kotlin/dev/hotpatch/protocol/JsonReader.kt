package dev.hotpatch.protocol

/** Small readers for data that comes from elsewhere: each says where a value is not what it must be. */

/** @property pointer JSON pointer of the value, such as "/artifacts/0/sha256". */
class UnexpectedJsonException(
  val pointer: String,
  expected: String,
  found: JsonValue?,
  cause: Throwable? = null,
) : Exception("${pointer.ifEmpty { "/" }}: expected $expected, found ${describe(found)}", cause) {
  constructor(pointer: String, expected: String, found: String) : this(pointer, expected, JsonString(found))
}

fun readObject(value: JsonValue?, pointer: String): JsonObject =
  value as? JsonObject ?: throw UnexpectedJsonException(pointer, "an object", value)

fun readArray(value: JsonValue?, pointer: String, maxLength: Int): List<JsonValue> {
  if (value !is JsonArray) throw UnexpectedJsonException(pointer, "an array", value)
  if (value.items.size > maxLength) throw UnexpectedJsonException(pointer, "at most $maxLength items", value)
  return value.items
}

fun readString(
  value: JsonValue?,
  pointer: String,
  expected: String = "a string",
  isAsExpected: (String) -> Boolean = { true },
): String {
  if (value !is JsonString || !isAsExpected(value.value)) throw UnexpectedJsonException(pointer, expected, value)
  return value.value
}

fun readSha256(value: JsonValue?, pointer: String): String =
  readString(value, pointer, "64 lower-case hex digits", ::isSha256)

/** A safe integer of at least [minimum]. */
fun readInteger(value: JsonValue?, pointer: String, minimum: Long): Long {
  if (value !is JsonNumber || !isSafeInteger(value.value) || value.value < minimum) {
    throw UnexpectedJsonException(pointer, "an integer of at least $minimum", value)
  }
  return value.value.toLong()
}

fun readBoolean(value: JsonValue?, pointer: String): Boolean =
  (value as? JsonBoolean)?.value ?: throw UnexpectedJsonException(pointer, "true or false", value)

private const val MAX_SHORT = 200

/** What names files and fills lists on a device. */
fun readShort(value: JsonValue?, pointer: String): String =
  readString(value, pointer, "a short text") { it.length in 1..MAX_SHORT && '\u0000' !in it }

/** [read] of the value, or null when it is absent. JSON's own null is not absent. */
inline fun <T> readOptional(value: JsonValue?, read: (JsonValue) -> T): T? = if (value == null) null else read(value)

/** [read] of the value, or null when it is JSON's own null, which has to be there. */
inline fun <T> readNullable(value: JsonValue?, read: (JsonValue?) -> T): T? = if (value is JsonNull) null else read(value)

internal const val MAX_SAFE_INTEGER = 9007199254740991L

/** What every language here counts alike. */
internal fun isSafeInteger(value: Double): Boolean =
  Math.abs(value) <= MAX_SAFE_INTEGER && value == Math.rint(value)

internal fun isSha256(text: String): Boolean = text.length == 64 && isLowerHex(text)

internal fun isLowerHex(text: String): Boolean {
  for (character in text) if (character !in '0'..'9' && character !in 'a'..'f') return false
  return true
}

private fun describe(value: JsonValue?): String =
  when (value) {
    null -> "nothing"
    is JsonArray -> "an array of ${value.items.size}"
    is JsonObject -> "an object"
    // A long text is cut before it is written.
    is JsonString -> writeJson(JsonString(value.value.take(81))).let { if (it.length > 80) "${it.take(77)}…" else it }
    else -> writeJson(value)
  }
