package dev.hotpatch.protocol

import dev.hotpatch.testing.TestCrypto
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.items
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import java.io.ByteArrayOutputStream
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

class EncryptionTest {
  private val vectors = readVectors("encryption/files.json")

  private fun JsonValue.hex(name: String): ByteArray = bytesFromHex(text(name))!!

  @Test
  fun `HPKE as the RFC has it`() = readVectors("encryption/hpke.json").forEachCase("cases") { case ->
    val message = HpkeSealed(case.hex("encapsulated"), case.hex("sealed"))
    fun open(info: ByteArray) = openHpke(
      message,
      case.hex("recipientPrivateKey"),
      HpkeInput(info, case.hex("associated"), case.long("keyBytes").toInt()),
      TestCrypto,
    )
    assertArrayEquals(case.hex("recipientPublicKey"), encryptionPublicKey(case.hex("recipientPrivateKey"), TestCrypto))
    assertArrayEquals(case.hex("plain"), open(case.hex("info")))
    assertNull(open(ByteArray(1)))
  }

  @Test
  fun `files are opened by whichever key they are for`() = vectors.forEachCase("opened") { case ->
    assertArrayEquals(case.hex("plain"), open(case.hex("file"), case.texts("keys"), case.text("purpose")))
  }

  @Test
  fun `files of several chunks`() = vectors.forEachCase("long") { case ->
    val file = sealLong(case)
    assertEquals(case.long("encryptedBytes"), file.size.toLong())
    assertEquals(case.text("encryptedSha256"), TestCrypto.sha256Of(file))
    assertArrayEquals(plainOf(case), open(file, case.texts("recipients"), "archive"))
  }

  @Test
  fun `what is not as it was made is refused`() = vectors.forEachCase("refused") { case ->
    val refusal = assertThrows(EncryptionException::class.java) { open(case.hex("file"), case.texts("keys"), case.text("purpose")) }
    assertEquals(case.text("code"), refusal.fault.text)
  }

  @Test
  fun `chunks that are left out, put elsewhere or put twice do not open`() {
    val case = vectors.items("long").last()
    val file = sealLong(case)
    val head = headOf(file)
    val (first, second, last) = chunksOf(head).map { file.copyOfRange(it.offset.toInt(), it.offset.toInt() + it.sealedBytes) }.toList()
    val wrong = listOf(
      listOf(second, first, last),
      listOf(first, first, last),
      listOf(first, second),
      listOf(first, last),
      listOf(last, second, first),
    )
    for (order in wrong) {
      val changed = order.fold(head.bytes) { bytes, part -> bytes + part }
      val refusal = assertThrows(EncryptionException::class.java) { open(changed, case.texts("recipients"), "archive") }
      assertEquals(EncryptionFault.DAMAGED, refusal.fault)
    }
  }

  private fun headOf(file: ByteArray): EncryptedHead = readEncryptedHead(file.copyOf(minOf(file.size, readHeadLength(file))))

  private fun open(file: ByteArray, keyIds: List<String>, purpose: String): ByteArray {
    val head = headOf(file)
    val keys = vectors.items("testOnlyKeys").filter { it.text("keyId") in keyIds }.map { DecryptionKey(it.text("keyId"), it.hex("privateKey")) }
    val opener = openEncryptedFile(head, keys, EncryptedPurpose.entries.single { it.text == purpose }, TestCrypto)
    val plain = ByteArrayOutputStream()
    for (chunk in chunksOf(head)) {
      val from = minOf(chunk.offset.toInt(), file.size)
      plain.write(opener.open(chunk, file.copyOfRange(from, minOf(from + chunk.sealedBytes, file.size))))
    }
    // As whoever reads files from a disk sees at once.
    if (file.size.toLong() != encryptedSize(head)) throw EncryptionException(EncryptionFault.DAMAGED, "It has another size.")
    return plain.toByteArray()
  }

  private fun plainOf(case: JsonValue): ByteArray {
    val repeated = utf8FromText(case.text("repeat"))
    return ByteArray(case.long("sizeBytes").toInt()) { repeated[it % repeated.size] }
  }

  /** As tools make them; devices never do. */
  private fun sealLong(case: JsonValue): ByteArray {
    val (plain, head) = plainOf(case) to readEncryptedHead(case.hex("head"))
    val key = TestCrypto.hmacSha256(bytesFromHex(case.texts("random")[0])!!, head.bytes)
    val file = ByteArrayOutputStream()
    file.write(head.bytes)
    for (chunk in chunksOf(head)) {
      val nonce = ByteArray(12)
      nonce[10] = chunk.index.toByte()
      nonce[11] = if (chunk.isLast) 1 else 0
      val from = chunk.plainOffset.toInt()
      file.write(TestCrypto.sealGcm(plain.copyOfRange(from, from + chunk.plainBytes), GcmInput(key, nonce, ByteArray(0))))
    }
    return file.toByteArray()
  }
}
