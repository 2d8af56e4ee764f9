package dev.hotpatch.engine.scenarios

import dev.hotpatch.engine.state.MARKER
import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals

private val ALWAYS_COMPARED = setOf("states", "events", "restarts")
private val COMPARED =
  ALWAYS_COMPARED + setOf("result", "launch", "outcome", "status", "files", "json", "operations")

/** vectors/README.md: one case from an empty disk on. */
fun playScenario(file: JsonObject, case: JsonObject) {
  val bodies = Bodies(file)
  lateinit var network: ScriptedNetwork
  val device = mergedDevice(file.at("device") as JsonObject, case.find("device") as JsonObject?)
  val life = Life(device, bodies) { clock -> ScriptedNetwork(file, bodies, clock).also { network = it } }
  val steps = listOf(file.at("prelude"), case.at("steps")).flatMap { (it as JsonArray).items }
  for ((index, step) in steps.withIndex()) {
    val where = "step ${index + 1}, ${step.text("do")}: "
    network.expectExchanges((step.find("exchanges") as JsonArray?)?.items ?: emptyList())
    val seen = life.perform(step as JsonObject)
    assertEquals(where, emptyList<String>(), network.faults())
    val expected = COMPARED.filter { says(step, it) }.associateWith { plain(step.at(it)) }
    assertSame(where, expected, observe(life, step, seen))
    step["launch"]?.let { expectWhole(life, it, file, bodies) }
  }
}

/** Of what was seen, what this step says anything of; and what nothing may be seen of unless the step says so. */
private fun observe(life: Life, step: JsonObject, seen: MutableMap<String, Any?>): Map<String, Any?> {
  if (step["status"] != null) seen["status"] = life.status()?.let(::plain)
  if (says(step, "files")) seen["files"] = life.files()
  (step["json"] as JsonObject?)?.let { named ->
    val files = life.files()
    seen["json"] = named.fields.keys.associateWith { (files[it] as Map<*, *>?)?.get("json") }
  }
  return seen.filterKeys { says(step, it) || it in ALWAYS_COMPARED }
}

/** Whether a step says what is to be seen; the files of what the binary shipped with are what is done. */
private fun says(step: JsonObject, name: String): Boolean =
  step[name] != null && !(name == "files" && step.text("do") == "embedded")

/** Each byte a character, so that a difference can be read. */
private fun latin(bytes: ByteArray): String = String(bytes, Charsets.ISO_8859_1)

/** Every file compared, none more, none fewer. */
fun expectWhole(life: Life, launch: JsonValue, file: JsonObject, bodies: Bodies) {
  if (launch.text("kind") == "embedded") return
  val found = life.disk.tree("ota/${launch.text("slot")}").orEmpty() - MARKER
  val expected = bodies.filesOf(file.at("releases").at(launch.text("releaseId")) as JsonObject)
  assertEquals(expected.keys, found.keys)
  for ((path, bytes) in expected) assertEquals(path, latin(bytes), latin(found.getValue(path)))
}
