package dev.hotpatch.testing

import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonBoolean
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonNumber
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readJson
import java.io.File

/** A file below vectors/, whole: what TypeScript and Swift read as well. */
fun readVectors(path: String): JsonObject =
  readJson(File(System.getProperty("hotpatch.vectors") ?: error("expected the folder of vectors as hotpatch.vectors"), path).readText()) as JsonObject

/** A field that has to be there: a vector without it is a mistake of this test or of the vector. */
fun JsonValue.at(name: String): JsonValue = (this as JsonObject)[name] ?: error("expected the field $name, found ${fields.keys}")

fun JsonValue.find(name: String): JsonValue? = (this as JsonObject)[name].takeIf { it !is JsonNull }

fun JsonValue.items(name: String): List<JsonValue> =
  (at(name) as JsonArray).items.also { check(it.isNotEmpty()) { "expected cases in $name, found none" } }

fun JsonValue.text(name: String): String = at(name).text

fun JsonValue.long(name: String): Long = (at(name) as JsonNumber).value.toLong()

fun JsonValue.boolean(name: String): Boolean = (at(name) as JsonBoolean).value

fun JsonValue.texts(name: String): List<String> = (at(name) as JsonArray).items.map { it.text }

val JsonValue.text: String get() = (this as JsonString).value

/** Says which case it was. */
fun JsonValue.forEachCase(name: String, run: (JsonValue) -> Unit) {
  for ((index, case) in items(name).withIndex()) {
    try {
      run(case)
    } catch (cause: Throwable) {
      val comment = (case as? JsonObject)?.get("comment")?.let { ", ${it.text}" } ?: ""
      throw AssertionError("$name/$index$comment: ${cause.message}", cause)
    }
  }
}

/** The names of all files of a folder below vectors/. */
fun vectorFolder(path: String): List<String> =
  File(System.getProperty("hotpatch.vectors") ?: error("expected the folder of vectors as hotpatch.vectors"), path)
    .list().orEmpty().sorted()
