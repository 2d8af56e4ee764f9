import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { ENCRYPTION_KEY_BYTES, keyIdOf, type EncryptionKey } from '@hotpatch/protocol'

/** Undefined for what is no such key. */
export function encryptionKeyOf(publicKey: string): EncryptionKey | undefined {
  const raw = Buffer.from(publicKey, 'base64')
  if (raw.length !== ENCRYPTION_KEY_BYTES || raw.toString('base64') !== publicKey) return undefined
  return isUsable(raw) ? { keyId: encryptionKeyId(raw), publicKey: raw } : undefined
}

/** A point of small order shares nothing with any key: what was sealed for it, everybody could open. */
function isUsable(raw: Buffer): boolean {
  try {
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') },
      format: 'jwk',
    })
    diffieHellman({ privateKey: generateKeyPairSync('x25519').privateKey, publicKey })
    return true
  } catch {
    return false
  }
}

/** A file has one recipient for each key. */
export function onceEach(keys: readonly EncryptionKey[]): EncryptionKey[] {
  return [...new Map(keys.map((key) => [key.keyId, key])).values()]
}

/** Encryption §1. */
export function encryptionKeyId(raw: Uint8Array): string {
  return keyIdOf(createHash('sha256').update(raw).digest('hex'))
}
