package dev.hotpatch.android

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.protocol.Hasher
import java.security.MessageDigest
import java.util.UUID
import org.bouncycastle.math.ec.rfc8032.Ed25519

/** Android has Ed25519 of its own from API 33 on, and not on every phone: so there is one implementation for all. */
object AndroidCrypto : CryptoPort {
  override fun sha256(): Hasher {
    val digest = MessageDigest.getInstance("SHA-256")
    return object : Hasher {
      override fun update(bytes: ByteArray) = digest.update(bytes)

      override fun digest(): ByteArray = digest.digest()
    }
  }

  override fun verifyEd25519(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean {
    if (publicKey.size != Ed25519.PUBLIC_KEY_SIZE || signature.size != Ed25519.SIGNATURE_SIZE) return false
    return Ed25519.verify(signature, 0, publicKey, 0, message, 0, message.size)
  }

  override fun randomUuid(): String = UUID.randomUUID().toString()
}
