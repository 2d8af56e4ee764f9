import { createHash, createPublicKey } from 'node:crypto'
import { keyIdOf } from '@hotpatch/protocol'

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
