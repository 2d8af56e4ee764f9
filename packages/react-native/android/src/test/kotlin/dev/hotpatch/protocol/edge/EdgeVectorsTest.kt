package dev.hotpatch.protocol.edge

import dev.hotpatch.protocol.Decision
import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readDevice
import dev.hotpatch.protocol.readJson
import dev.hotpatch.protocol.statementTime
import dev.hotpatch.protocol.writeJson
import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** vectors/edge: documents and decisions. */
class EdgeVectorsTest {
  /** Static edge §4 to §6. */
  @Test
  fun `documents are read, or refused at the first thing that is wrong`() =
    readVectors("edge/documents.json").forEachCase("cases") { case ->
      val (document, text) = case.text("document") to case.text("text")
      val refusedAt = case.find("refusedAt")?.text
      if (refusedAt == null) return@forEachCase expectWhole(document, text)
      val error = assertThrows(UnexpectedJsonException::class.java) { expectWhole(document, text) }
      assertEquals(refusedAt, error.pointer)
    }

  private fun expectWhole(document: String, text: String) {
    when (document) {
      "keys" -> expectKeys(readEdgeKeyDocument(text), text)
      "pointer" -> expectPointer(readEdgePointer(text), text)
      "catalog" -> expectCatalog(readEdgeCatalog(text), text)
      else -> error("there is no document $document")
    }
  }

  private fun expectKeys(read: EdgeKeyDocument, text: String) {
    val json = readJson(text)
    assertEquals(json.text("appId") to json.long("version"), read.appId to read.version)
    val written = (json.at("keys") as JsonArray).items
    assertEquals(
      written.map { it.text("publicKey") to statementTime(it.text("notAfter")) },
      read.keys.map { it.publicKey to it.notAfter },
    )
  }

  private fun expectPointer(read: EdgePointer, text: String) {
    val json = readJson(text)
    val catalog = json.at("catalog")
    assertEquals(
      listOf(json.text("appId"), json.text("platform"), json.text("channel"), catalog.text("sha256")),
      listOf(read.appId, read.platform, read.channel, read.sha256),
    )
    assertEquals(
      listOf(json.long("keysVersion"), json.long("generation"), catalog.long("sizeBytes")),
      listOf(read.keysVersion, read.generation, read.sizeBytes),
    )
    assertEquals(
      listOf("issuedAt", "expiresAt").map { statementTime(json.text(it)) },
      listOf(read.issuedAt, read.expiresAt),
    )
  }

  private fun expectCatalog(read: EdgeCatalog, text: String) {
    val json = readJson(text)
    assertEquals(json.text("channel") to json.long("floor"), read.channel to read.floor)
    val (releases, rollouts) = listOf("releases", "rollouts").map { (json.at(it) as JsonArray).items }
    assertEquals(releases.map { it.text("id") }, read.releases.map { it.release.id })
    assertEquals(rollouts.map { it.long("position") }, read.rollouts.map { it.position })
  }

  /** Static edge §8. */
  @Test
  fun `decisions at the edge`() = readVectors("edge/decisions.json").forEachCase("cases") { case ->
    val catalog = CompiledEdgeCatalog(readEdgeCatalog(writeJson(case.at("catalog"))))
    val running = case.find("running")?.let { case.long("running") }
    val found = summaryOf(decideAtEdge(catalog, readDevice(case.at("device")), 0, running))
    assertEquals(case.at("expected").let { expected -> found.keys.associateWith { plainOf(expected, it) } }, found)
    assertEquals((case.at("expected") as JsonObject).fields.keys, found.keys)
  }

  private fun plainOf(expected: JsonValue, name: String): Any? = when {
    expected.at(name) is JsonNull -> null
    name == "mandatory" -> expected.boolean(name)
    else -> expected.text(name)
  }
}

/** As the vectors write it. */
fun summaryOf(found: Decision?): Map<String, Any?> {
  val note = found?.nativeUpdate?.minNativeVersion
  return when (found) {
    null -> mapOf("kind" to "asks-server")
    is Decision.UpToDate -> mapOf("kind" to "up-to-date", "nativeUpdate" to note)
    is Decision.NativeUpdateRequired -> mapOf("kind" to "native-update-required", "nativeUpdate" to note)
    is Decision.Update -> mapOf(
      "kind" to "update",
      "releaseId" to found.release.id,
      "rolloutId" to found.rollout.id,
      "mandatory" to found.mandatory,
      "nativeUpdate" to note,
    )
    is Decision.Embedded -> mapOf(
      "kind" to "embedded",
      "rolloutId" to found.rollout?.id,
      "mandatory" to found.mandatory,
      "nativeUpdate" to note,
    )
  }
}
