package dev.hotpatch.protocol

/** SHA-256 of bytes that come one after another. */
interface Hasher {
  fun update(bytes: ByteArray)

  /** 32 bytes; nothing is updated afterwards. */
  fun digest(): ByteArray
}
