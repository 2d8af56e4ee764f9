import { bytesFromHex } from './hex.ts'

/**
 * Signing §5: the React Native contract's own signature is Ed25519 over the 32 raw bytes of the bundle's
 * SHA-256 (not over its hex text). A release statement starts with "{" and is never 32 bytes of digest,
 * so neither signature can stand in for the other.
 *
 * @throws RangeError when `sha256` is not 64 lower-case hex digits
 */
export function digestSigningInput(sha256: string): Uint8Array {
  const digest = bytesFromHex(sha256)
  if (digest?.length !== 32)
    throw new RangeError(`expected 64 lower-case hex digits, found ${sha256.length} characters`)
  return digest
}
