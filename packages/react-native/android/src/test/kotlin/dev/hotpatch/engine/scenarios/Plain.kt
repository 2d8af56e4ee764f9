package dev.hotpatch.engine.scenarios

import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonBoolean
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonNumber
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import org.junit.Assert.assertEquals

/** As Kotlin compares it: by value, and without regard to the order of members. */
fun plain(value: JsonValue): Any? = when (value) {
  is JsonObject -> value.fields.mapValues { plain(it.value) }
  is JsonArray -> value.items.map(::plain)
  is JsonString -> value.value
  is JsonNumber -> value.value
  is JsonBoolean -> value.value
  is JsonNull -> null
}

private const val ANY = "<any text>"

/** What was found, with every text that the expectation leaves open replaced by what the expectation says of it. */
fun loosened(found: Any?, expected: Any?): Any? = when (found) {
  is String -> {
    val isOpen = expected is String && expected.endsWith(ANY) && found.startsWith(expected.removeSuffix(ANY))
    if (isOpen) expected else found
  }
  is List<*> -> found.mapIndexed { index, item -> loosened(item, (expected as? List<*>)?.getOrNull(index)) }
  is Map<*, *> -> found.mapValues { (name, value) -> loosened(value, (expected as? Map<*, *>)?.get(name)) }
  else -> found
}

/** Says where the first difference is: whole states are too long to compare by eye. */
fun assertSame(where: String, expected: Any?, found: Any?) {
  val loose = loosened(found, expected)
  if (expected == loose) return
  val (place, a, b) = differenceOf("", expected, loose)
  assertEquals("$where$place", a, b)
}

private fun differenceOf(at: String, expected: Any?, found: Any?): Triple<String, Any?, Any?> {
  if (expected is Map<*, *> && found is Map<*, *>) {
    val name = (expected.keys + found.keys).first {
      it !in expected || it !in found || expected[it] != found[it]
    }
    if (name in expected && name in found) return differenceOf("$at/$name", expected[name], found[name])
    return Triple("$at/$name", expected[name] ?: "nothing", found[name] ?: "nothing")
  }
  if (expected is List<*> && found is List<*> && expected.size == found.size) {
    val index = expected.indices.first { expected[it] != found[it] }
    return differenceOf("$at/$index", expected[index], found[index])
  }
  return Triple(at, expected, found)
}
