package dev.hotpatch.protocol

/**
 * Signing §5: the React Native contract's own signature is Ed25519 over the 32 raw bytes of the bundle's
 * SHA-256 (not over its hex text). A release statement starts with "{" and is never 32 bytes of digest,
 * so neither signature can stand in for the other.
 *
 * @throws IllegalArgumentException when [sha256] is not 64 lower-case hex digits
 */
fun digestSigningInput(sha256: String): ByteArray {
  require(isSha256(sha256)) { "expected 64 lower-case hex digits, found ${sha256.length} characters" }
  return bytesFromHex(sha256)!!
}
