package dev.hotpatch.testing

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
import org.bouncycastle.crypto.params.Ed25519PublicKeyParameters
import org.bouncycastle.crypto.signers.Ed25519Signer
import org.bouncycastle.math.ec.rfc7748.X25519

/** For tests of what takes crypto from outside. The ports of an app have their own. */
object TestCrypto : OpeningCrypto {
  fun sha256(): Hasher = object : Hasher {
    private val digest = MessageDigest.getInstance("SHA-256")

    override fun update(bytes: ByteArray) = digest.update(bytes)

    override fun digest(): ByteArray = digest.digest()
  }

  fun sha256Of(bytes: ByteArray): String = hexFromBytes(MessageDigest.getInstance("SHA-256").digest(bytes))

  fun verifyEd25519(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean {
    if (publicKey.size != 32 || signature.size != 64) return false
    val signer = Ed25519Signer()
    signer.init(false, Ed25519PublicKeyParameters(publicKey))
    signer.update(message, 0, message.size)
    return signer.verifySignature(signature)
  }

  override fun hmacSha256(key: ByteArray, message: ByteArray): ByteArray {
    val mac = Mac.getInstance("HmacSHA256")
    // Java takes no empty key; HMAC fills every key up with zeros.
    mac.init(SecretKeySpec(if (key.isEmpty()) ByteArray(1) else key, "HmacSHA256"))
    return mac.doFinal(message)
  }

  override fun x25519(privateKey: ByteArray, publicKey: ByteArray): ByteArray? {
    if (privateKey.size != 32 || publicKey.size != 32) return null
    return ByteArray(32).also { X25519.scalarMult(privateKey, 0, publicKey, 0, it, 0) }
  }

  override fun openGcm(sealed: ByteArray, how: GcmInput): ByteArray? =
    try {
      cipher(Cipher.DECRYPT_MODE, how).doFinal(sealed)
    } catch (_: GeneralSecurityException) {
      null
    }

  fun sealGcm(plain: ByteArray, how: GcmInput): ByteArray = cipher(Cipher.ENCRYPT_MODE, how).doFinal(plain)

  private fun cipher(mode: Int, how: GcmInput): Cipher =
    Cipher.getInstance("AES/GCM/NoPadding").apply {
      init(mode, SecretKeySpec(how.key, "AES"), GCMParameterSpec(128, how.nonce))
      updateAAD(how.associated)
    }
}
