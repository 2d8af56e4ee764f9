package dev.hotpatch.engine.memory

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.protocol.GcmInput
import dev.hotpatch.protocol.Hasher
import dev.hotpatch.protocol.OpeningCrypto
import dev.hotpatch.protocol.hexFromBytes
import java.security.GeneralSecurityException
import java.security.MessageDigest
import javax.crypto.Cipher
import javax.crypto.Mac
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec
import org.bouncycastle.math.ec.rfc7748.X25519
import org.bouncycastle.math.ec.rfc8032.Ed25519

/** Real ciphers; ids that are the same each time. */
class TestCrypto : CryptoPort {
  private var ids = 0

  override fun sha256(): Hasher = object : Hasher {
    private val digest = MessageDigest.getInstance("SHA-256")

    override fun update(bytes: ByteArray) = digest.update(bytes)

    override fun digest(): ByteArray = digest.digest()
  }

  override fun verifyEd25519(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean =
    signature.size == 64 && Ed25519.verify(signature, 0, publicKey, 0, message, 0, message.size)

  override fun randomUuid(): String {
    ids += 1
    return "id-$ids"
  }
}

object TestEncryption : OpeningCrypto {
  override fun hmacSha256(key: ByteArray, message: ByteArray): ByteArray {
    val mac = Mac.getInstance("HmacSHA256")
    // Java refuses an empty key, which stands for zeros.
    mac.init(SecretKeySpec(if (key.isEmpty()) ByteArray(32) else key, "HmacSHA256"))
    return mac.doFinal(message)
  }

  override fun x25519(privateKey: ByteArray, publicKey: ByteArray): ByteArray? {
    if (privateKey.size != 32 || publicKey.size != 32) return null
    val shared = ByteArray(32)
    return shared.takeIf { X25519.calculateAgreement(privateKey, 0, publicKey, 0, it, 0) }
  }

  override fun openGcm(sealed: ByteArray, how: GcmInput): ByteArray? = try {
    val cipher = Cipher.getInstance("AES/GCM/NoPadding")
    cipher.init(Cipher.DECRYPT_MODE, SecretKeySpec(how.key, "AES"), GCMParameterSpec(128, how.nonce))
    cipher.updateAAD(how.associated)
    cipher.doFinal(sealed)
  } catch (_: GeneralSecurityException) {
    null
  }
}

fun sha256Of(bytes: ByteArray): String = hexFromBytes(MessageDigest.getInstance("SHA-256").digest(bytes))
