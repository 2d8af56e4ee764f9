package dev.hotpatch.engine.decrypt

import dev.hotpatch.engine.ground.EngineConfig
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.install.VerifiedDownload
import dev.hotpatch.engine.memory.MemoryFiles
import dev.hotpatch.engine.state.PENDING
import dev.hotpatch.engine.state.PENDING_OPENED
import dev.hotpatch.engine.state.PENDING_ZIP
import dev.hotpatch.engine.testing.portsOver
import dev.hotpatch.protocol.DecryptionKey
import dev.hotpatch.protocol.EncryptedPurpose
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.bytesFromHex
import dev.hotpatch.protocol.readEncryptedHead
import dev.hotpatch.protocol.readHeadLength
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.items
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class DecrypterTest {
  private val vectors = readVectors("encryption/files.json")
  private val allKeys = vectors.items("testOnlyKeys").map { DecryptionKey(it.text("keyId"), it.hex("privateKey")) }

  private fun JsonValue.hex(name: String): ByteArray = bytesFromHex(text(name))!!

  private fun keysOf(case: JsonValue) = allKeys.filter { it.keyId in case.texts("keys") }

  private fun purposeOf(case: JsonValue) = EncryptedPurpose.entries.single { it.text == case.text("purpose") }

  private fun diskWith(file: ByteArray) = MemoryFiles().apply {
    makeDirectory(PENDING)
    write(PENDING_ZIP, file)
    // What an earlier process left.
    write(PENDING_OPENED, ByteArray(1000))
  }

  private fun open(file: ByteArray, expected: ExpectedInside, keys: List<DecryptionKey>, files: MemoryFiles = diskWith(file)) =
    fileDecrypter.open(VerifiedDownload(PENDING_ZIP, file.size.toLong()), PENDING_OPENED, expected, keys, portsOver(files))

  private fun announced(file: ByteArray, purpose: EncryptedPurpose): ExpectedInside {
    val header = readEncryptedHead(file.copyOf(readHeadLength(file))).header
    return ExpectedInside(purpose, header.tree, header.sha256, header.sizeBytes, header.patch?.baseTree)
  }

  @Test
  fun `what is inside lies on the disk, and nothing else`() = vectors.forEachCase("opened") { case ->
    val file = case.hex("file")
    val files = diskWith(file)
    val opened = open(file, announced(file, purposeOf(case)), keysOf(case), files)
    assertEquals(PENDING_OPENED, opened.path)
    assertEquals(case.hex("plain").size.toLong(), opened.sizeBytes)
    assertArrayEquals(case.hex("plain"), files.read(PENDING_OPENED))
  }

  @Test
  fun `what is refused says why`() = vectors.forEachCase("refused") { case ->
    val file = case.hex("file")
    val expected = runCatching { announced(file, purposeOf(case)) }.getOrElse { ExpectedInside(purposeOf(case), null) }
    val refusal = assertThrows(UpdateError::class.java) { open(file, expected, keysOf(case)) }
    assertEquals(SdkCode.DECRYPTION_FAILED, refusal.code)
    assertTrue(refusal.message, refusal.message.startsWith("${case.text("code")}: "))
  }

  @Test
  fun `what is inside is what was announced`() {
    val case = vectors.items("opened").first()
    val file = case.hex("file")
    val right = announced(file, EncryptedPurpose.ARCHIVE)
    val other = "0".repeat(64)
    val wrong = listOf(
      ExpectedInside(right.purpose, other, right.sha256, right.sizeBytes),
      ExpectedInside(right.purpose, right.tree, other, right.sizeBytes),
      ExpectedInside(right.purpose, right.tree, right.sha256, right.sizeBytes!! + 1),
      ExpectedInside(right.purpose, right.tree, right.sha256, right.sizeBytes, other),
      ExpectedInside(EncryptedPurpose.PATCH, right.tree, right.sha256, right.sizeBytes),
    )
    for (expected in wrong) {
      val refusal = assertThrows(UpdateError::class.java) { open(file, expected, keysOf(case)) }
      assertTrue(refusal.message, refusal.message.startsWith("damaged: "))
    }
  }

  @Test
  fun `a disk that is too small says so before anything is written`() {
    val case = vectors.items("opened").first()
    val file = case.hex("file")
    val files = diskWith(file).apply { setFree(3) }
    val refusal = assertThrows(UpdateError::class.java) { open(file, announced(file, EncryptedPurpose.ARCHIVE), keysOf(case), files) }
    assertEquals(SdkCode.STORAGE_FULL, refusal.code)
    assertArrayEquals(ByteArray(1000), files.read(PENDING_OPENED))
  }

  @Test
  fun `keys have the ids of their public halves`() {
    val config = EngineConfig("https://updates.example.com", "app", "device", "production")
    val settings = Settings(config, emptyList(), allKeys.map { it.privateKey }, Limits())
    assertEquals(allKeys.map { it.keyId }, fileDecrypter.keysOf(portsOver(MemoryFiles()), settings).map { it.keyId })
  }

  @Test
  fun `an answer is judged before a byte is fetched`() {
    fun codeOf(algorithm: String, keyIds: List<String>) =
      assertThrows(UpdateError::class.java) { fileDecrypter.judge(algorithm, keyIds, allKeys) }
    fileDecrypter.judge("hotpatch-v1", listOf("0".repeat(16), allKeys.last().keyId), allKeys)
    assertEquals(SdkCode.ENCRYPTION_UNKNOWN, codeOf("hotpatch-v2", listOf(allKeys.first().keyId)).code)
    val missing = codeOf("hotpatch-v1", listOf("0".repeat(16)))
    assertEquals(SdkCode.DECRYPTION_KEY_MISSING, missing.code)
    for (key in allKeys) assertTrue(key.keyId in missing.message)
  }
}
