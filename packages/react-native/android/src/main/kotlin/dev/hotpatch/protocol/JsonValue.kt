package dev.hotpatch.protocol

/** JSON as JavaScript's own reader has it: whoever signs and checks releases reads it with that. Absent is null. */
sealed class JsonValue

/** Of several fields of one name the last counts, at the place of the first; those named by numbers come before all others. */
class JsonObject(val fields: Map<String, JsonValue>) : JsonValue() {
  operator fun get(name: String): JsonValue? = fields[name]
}

class JsonArray(val items: List<JsonValue>) : JsonValue()

/** Half a character, a surrogate alone, may be in it. */
class JsonString(val value: String) : JsonValue()

class JsonNumber(val value: Double) : JsonValue()

class JsonBoolean(val value: Boolean) : JsonValue()

object JsonNull : JsonValue()
