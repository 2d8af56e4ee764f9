package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonBoolean
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonNumber
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue

/** An object with its fields in this order, but for those that are null: they are absent, as `undefined` is in JavaScript. */
fun jsonOf(vararg fields: Pair<String, Any?>): JsonObject {
  val present = LinkedHashMap<String, JsonValue>()
  for ((name, value) in fields) if (value != null) present[name] = jsonValueOf(value)
  return JsonObject(present)
}

/** For fields that say that there is nothing. */
fun Any?.orJsonNull(): Any = this ?: JsonNull

private fun jsonValueOf(value: Any): JsonValue = when (value) {
  is JsonValue -> value
  is String -> JsonString(value)
  is Boolean -> JsonBoolean(value)
  is Int -> JsonNumber(value.toDouble())
  is Long -> JsonNumber(value.toDouble())
  is List<*> -> JsonArray(value.map { jsonValueOf(it ?: JsonNull) })
  else -> throw IllegalArgumentException("nothing in JSON is a ${value.javaClass.simpleName}")
}
