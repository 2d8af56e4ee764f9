import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { keyIdOf } from '@hotpatch/protocol'

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

const PUBLIC_PEM = /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n*$/
const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192

/**
 * In its one spelling; undefined when it is no RSA public key of a size that is safe and can be verified in time. Node
 * would take a private key as well: nobody is to send one, and none is to be kept.
 */
export function readRsaPublicKey(text: string): string | undefined {
  const pem = text.replaceAll('\r\n', '\n').trim()
  if (!PUBLIC_PEM.test(pem)) return undefined
  try {
    const key = createPublicKey(pem)
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    const isFit = key.asymmetricKeyType === 'rsa' && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS
    return isFit ? key.export({ type: 'spki', format: 'pem' }).toString() : undefined
  } catch {
    // What is between the lines is no key.
    return undefined
  }
}

/** Signing §9. */
export function keyIdOfPublicKey(publicKey: string): string {
  return keyIdOf(createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex'))
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
