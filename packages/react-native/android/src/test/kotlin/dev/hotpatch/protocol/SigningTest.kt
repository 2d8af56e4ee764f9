package dev.hotpatch.protocol

import dev.hotpatch.testing.TestCrypto
import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import java.util.Base64
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class SigningTest {
  private val vectors = readVectors("signing.json")

  private fun isSigned(message: ByteArray, by: JsonValue): Boolean {
    val (publicKey, signature) = listOf("publicKey", "signature").map { Base64.getDecoder().decode(by.text(it)) }
    return TestCrypto.verifyEd25519(publicKey, message, signature)
  }

  @Test
  fun `ids of keys`() = vectors.forEachCase("testOnlyKeys") { case ->
    val sha256 = TestCrypto.sha256Of(Base64.getDecoder().decode(case.text("publicKey")))
    assertEquals(case.text("keyId"), keyIdOf(sha256))
    assertTrue(isKeyId(case.text("keyId")))
  }

  @Test
  fun `statements are read, and their bytes are those that were signed`() {
    val publicKey = vectors.at("testOnlyKeys").let { (it as JsonArray).items[0].text("publicKey") }
    vectors.forEachCase("statements") { case ->
      val bytes = utf8FromText(case.text("text"))
      assertEquals(case.long("sizeBytes"), bytes.size.toLong())
      assertTrue(isSigned(bytes, JsonObject(mapOf("publicKey" to JsonString(publicKey), "signature" to case.at("signature")))))
      assertReads(case.at("statement"), readReleaseStatement(textFromUtf8(bytes)!!))
    }
    vectors.forEachCase("accepted") { case -> assertReads(case.at("reads"), readReleaseStatement(case.text("text"))) }
  }

  private fun assertReads(expected: JsonValue, found: ReleaseStatement) {
    val content = expected.find("content")
    val requirement = expected.at("requirement")
    assertEquals(expected.text("appId"), found.appId)
    assertEquals(expected.text("platform"), found.platform)
    assertEquals(expected.text("target"), found.target.text)
    assertEquals(expected.text("version"), found.version)
    assertEquals(expected.long("sequence"), found.sequence)
    assertEquals(expected.long("floor"), found.floor)
    assertEquals(expected.text("createdAt"), found.createdAt)
    assertEquals(content?.text("kind"), found.content?.kind)
    val archive = found.content as? ArchiveContent
    if (archive != null) assertEquals(content?.find("tree")?.text to content?.find("encryption")?.text, archive.tree to archive.encryption)
    val artifacts = (expected.at("artifacts") as JsonArray).items.map { ContentArtifact(it.text("name"), it.text("sha256"), it.long("sizeBytes")) }
    assertEquals(artifacts, found.artifacts)
    fun asked(name: String) = requirement.find(name)?.text
    val architectures = requirement.find("architectures")?.let { requirement.texts("architectures") }
    val named = Requirement(asked("minNativeVersion"), asked("nativeRange"), asked("runtimeVersion"), asked("minOsVersion"), architectures)
    assertEquals(named, found.requirement)
  }

  @Test
  fun `statements that are refused, each at its place`() = vectors.forEachCase("rejected") { case ->
    val refusal = assertThrows(UnexpectedJsonException::class.java) { readReleaseStatement(case.text("text")) }
    assertEquals(case.text("pointer"), refusal.pointer)
  }

  @Test
  fun `signatures over texts and digests`() {
    vectors.forEachCase("verification") { case ->
      assertEquals(case.boolean("isValid"), isSigned(utf8FromText(case.text("text")), case))
    }
    vectors.forEachCase("digests") { case ->
      assertEquals(case.boolean("isValid"), isSigned(digestSigningInput(case.text("sha256")), case))
    }
    vectors.forEachCase("invalidDigests") { case ->
      assertThrows(IllegalArgumentException::class.java) { digestSigningInput(case.text("sha256")) }
    }
  }

  @Test
  fun `times of statements`() = vectors.forEachCase("times") { case ->
    assertEquals((case.find("time") as? JsonNumber)?.value?.toLong(), statementTime(case.text("createdAt")))
  }

  @Test
  fun `the digest is of 32 bytes`() {
    assertArrayEquals(ByteArray(32) { 0xab.toByte() }, digestSigningInput("ab".repeat(32)))
  }
}
