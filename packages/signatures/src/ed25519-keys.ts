import { createPublicKey, verify, type KeyObject } from 'node:crypto'

/** RFC 8410: what stands before the 32 raw bytes in an Ed25519 public key's DER form. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** @param publicKey the 32 raw bytes in base64 */
function importPublicKey(publicKey: string): KeyObject | undefined {
  const raw = decodeBase64(publicKey)
  if (raw?.length !== 32) return undefined
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
}

export function isEd25519PublicKey(publicKey: string): boolean {
  return importPublicKey(publicKey) !== undefined
}

/** @param signature base64 */
export function isSignedBy(publicKey: string, message: Uint8Array, signature: string): boolean {
  const key = importPublicKey(publicKey)
  const bytes = decodeBase64(signature)
  return key !== undefined && bytes?.length === 64 && verify(null, message, key, bytes)
}

/**
 * Node reads base64 that lacks its padding or ends in stray bits. Here one key has one spelling, so that a revoked one
 * cannot come back under another; and signatures go to devices as they came, whose decoders are strict.
 */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
