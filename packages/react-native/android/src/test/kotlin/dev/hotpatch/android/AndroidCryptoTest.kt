package dev.hotpatch.android

import dev.hotpatch.protocol.GcmInput
import dev.hotpatch.protocol.bytesFromHex
import dev.hotpatch.protocol.hexFromBytes
import java.io.IOException
import java.util.Base64
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class AndroidCryptoTest {
  private fun bytes(hex: String): ByteArray = checkNotNull(bytesFromHex(hex))

  @Test
  fun `SHA-256 of pieces is that of the whole`() {
    val hasher = AndroidCrypto.sha256()
    for (piece in listOf("a", "", "bc")) hasher.update(piece.encodeToByteArray())
    assertEquals("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hexFromBytes(hasher.digest()))
  }

  /** RFC 8032, 7.1, test 2. */
  private val publicKey = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
  private val signature = bytes(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  )

  @Test
  fun `a signature by RFC 8032 verifies, and nothing else does`() {
    assertTrue(AndroidCrypto.verifyEd25519(publicKey, bytes("72"), signature))
    assertFalse(AndroidCrypto.verifyEd25519(publicKey, bytes("73"), signature))
    assertFalse(AndroidCrypto.verifyEd25519(publicKey.reversedArray(), bytes("72"), signature))
    assertFalse(AndroidCrypto.verifyEd25519(publicKey.copyOf(31), bytes("72"), signature))
    assertFalse(AndroidCrypto.verifyEd25519(publicKey, bytes("72"), signature.copyOf(63)))
    assertFalse(AndroidCrypto.verifyEd25519(ByteArray(32) { -1 }, bytes("72"), signature))
  }

  @Test
  fun `ids are random`() {
    assertTrue(AndroidCrypto.randomUuid().matches(Regex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")))
    assertNotEquals(AndroidCrypto.randomUuid(), AndroidCrypto.randomUuid())
  }

  @Test
  fun `HMAC by RFC 4231, and of a key without bytes`() {
    val mac = AndroidEncryption.hmacSha256("Jefe".encodeToByteArray(), "what do ya want for nothing?".encodeToByteArray())
    assertEquals("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", hexFromBytes(mac))
    val ofNothing = AndroidEncryption.hmacSha256(ByteArray(0), ByteArray(0))
    assertEquals("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", hexFromBytes(ofNothing))
  }

  @Test
  fun `both sides come to share the same by RFC 7748, and nothing with a key of small order`() {
    val private = bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    val public = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    val shared = checkNotNull(AndroidEncryption.x25519(private, public))
    assertEquals("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", hexFromBytes(shared))
    assertNull(AndroidEncryption.x25519(private, ByteArray(32)))
    assertNull(AndroidEncryption.x25519(private, public.copyOf(31)))
  }

  /** Test case 4 of the specification of GCM. */
  @Test
  fun `AES-GCM opens what its tag is of`() {
    val key = bytes("feffe9928665731c6d6a8f9467308308")
    val nonce = bytes("cafebabefacedbaddecaf888")
    val associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    val sealed = bytes(
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05" +
        "1ba30b396a0aac973d58e091" + "5bc94fbc3221a5db94fae95ae7121a47",
    )
    val opened = checkNotNull(AndroidEncryption.openGcm(sealed, GcmInput(key, nonce, associated)))
    assertEquals("d9313225f88406e5a55909c5aff5269a", hexFromBytes(opened).take(32))
    sealed[3] = (sealed[3] + 1).toByte()
    assertNull(AndroidEncryption.openGcm(sealed, GcmInput(key, nonce, associated)))
    assertNull(AndroidEncryption.openGcm(ByteArray(3), GcmInput(key, nonce, associated)))
  }

  /** "hello ", a thousand times, as Node packs it. */
  private val packed = Base64.getDecoder().decode("G28X+I2Ubt5EVYaWbCBvcVscgOQBIA4=")

  @Test
  fun `brotli is unpacked, and no more of it than was told`() {
    val text = "hello ".repeat(1000).encodeToByteArray()
    assertArrayEquals(text, unpackBrotli(packed, text.size))
    assertThrows(IOException::class.java) { unpackBrotli(packed, text.size - 1) }
    assertThrows(IOException::class.java) { unpackBrotli(byteArrayOf(1, 2, 3), 100) }
    assertThrows(IOException::class.java) { unpackBrotli(packed.copyOf(packed.size - 1), text.size) }
  }
  @Test
  fun `nothing is behind the end of brotli`() {
    val text = "hello ".repeat(1000).encodeToByteArray()
    // Around what is read at a time.
    for (behind in (1..20) + (4040..4120) + listOf(8192, 20_000)) {
      assertThrows("$behind bytes more", IOException::class.java) { unpackBrotli(packed.copyOf(packed.size + behind), text.size) }
    }
  }
}
