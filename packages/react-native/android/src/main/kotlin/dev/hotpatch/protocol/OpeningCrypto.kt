package dev.hotpatch.protocol

/** What opening encrypted files takes of the machine: all of it is in the platforms' own libraries. */
interface OpeningCrypto {
  fun hmacSha256(key: ByteArray, message: ByteArray): ByteArray

  /**
   * RFC 7748: what both sides come to share, 32 bytes. A private key with the base point gives its public key.
   * Null, not an error, for what is no key.
   */
  fun x25519(privateKey: ByteArray, publicKey: ByteArray): ByteArray?

  /** AES with a key of 16 or 32 bytes; the tag of 16 bytes is behind the content. Null when it does not verify. */
  fun openGcm(sealed: ByteArray, how: GcmInput): ByteArray?
}

class GcmInput(
  val key: ByteArray,
  /** 12 bytes. */
  val nonce: ByteArray,
  /** Authenticated with it. */
  val associated: ByteArray,
)
