package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonBoolean
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readString

/** @throws UnexpectedJsonException when it is the text of none of them */
fun <T> readOneOf(value: JsonValue?, pointer: String, allowed: List<T>, textOf: (T) -> String): T {
  val text = (value as? JsonString)?.value
  return allowed.find { textOf(it) == text }
    ?: throw UnexpectedJsonException(pointer, "one of ${allowed.joinToString(", ", transform = textOf)}", value)
}

/** @throws UnexpectedJsonException */
fun readNullableString(value: JsonValue?, pointer: String): String? =
  if (value == null || value == JsonNull) null else readString(value, pointer)

fun isTrue(value: JsonValue?): Boolean = (value as? JsonBoolean)?.value == true

/** Null for anything but a text. */
fun textOrNull(value: JsonValue?): String? = (value as? JsonString)?.value
