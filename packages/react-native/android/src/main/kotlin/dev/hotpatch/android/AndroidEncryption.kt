package dev.hotpatch.android

import dev.hotpatch.protocol.GcmInput
import dev.hotpatch.protocol.OpeningCrypto
import java.security.GeneralSecurityException
import javax.crypto.Cipher
import javax.crypto.Mac
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec
import org.bouncycastle.math.ec.rfc7748.X25519

private const val TAG_BITS = 128

/** Opens what is encrypted. Android has X25519 of its own from API 33 on. */
object AndroidEncryption : OpeningCrypto {
  override fun hmacSha256(key: ByteArray, message: ByteArray): ByteArray {
    val mac = Mac.getInstance("HmacSHA256")
    // Java refuses a key of no bytes; one zero is the same (RFC 2104).
    mac.init(SecretKeySpec(if (key.isEmpty()) ByteArray(1) else key, "HmacSHA256"))
    return mac.doFinal(message)
  }

  override fun x25519(privateKey: ByteArray, publicKey: ByteArray): ByteArray? {
    if (privateKey.size != X25519.SCALAR_SIZE || publicKey.size != X25519.POINT_SIZE) return null
    val shared = ByteArray(X25519.POINT_SIZE)
    // A public key of small order shares nothing.
    return if (X25519.calculateAgreement(privateKey, 0, publicKey, 0, shared, 0)) shared else null
  }

  override fun openGcm(sealed: ByteArray, how: GcmInput): ByteArray? {
    // What is said of less than a tag differs from library to library.
    if (sealed.size < TAG_BITS / Byte.SIZE_BITS) return null
    return try {
      val cipher = Cipher.getInstance("AES/GCM/NoPadding")
      cipher.init(Cipher.DECRYPT_MODE, SecretKeySpec(how.key, "AES"), GCMParameterSpec(TAG_BITS, how.nonce))
      cipher.updateAAD(how.associated)
      cipher.doFinal(sealed)
    } catch (_: GeneralSecurityException) {
      null // Its tag does not verify.
    }
  }
}
