import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomBytes,
} from 'node:crypto'
import { ENCRYPTION_KEY_BYTES, type SealingCrypto } from '@hotpatch/protocol'

/** What stands before 32 raw bytes in PKCS #8 and SPKI. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const TAG_BYTES = 16

/** Opens what is encrypted on Node or Electron; and makes it, for tools. */
export function createNodeEncryption(): SealingCrypto {
  return {
    hmacSha256: (key, message) => createHmac('sha256', key).update(message).digest(),
    x25519,
    openGcm(sealed, { key, nonce, associated }) {
      const end = sealed.length - TAG_BYTES
      if (end < 0) return undefined
      try {
        const decipher = createDecipheriv(cipherOf(key), key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(associated).setAuthTag(sealed.subarray(end))
        return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
      } catch {
        // Its tag does not verify: that is the answer.
        return undefined
      }
    },
    sealGcm(plain, { key, nonce, associated }) {
      const cipher = createCipheriv(cipherOf(key), key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(associated)
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    randomBytes: (length) => randomBytes(length),
  }
}

function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  if (privateKey.length !== ENCRYPTION_KEY_BYTES || publicKey.length !== ENCRYPTION_KEY_BYTES) return undefined
  try {
    const own = Buffer.concat([PRIVATE_PREFIX, privateKey])
    const other = Buffer.concat([PUBLIC_PREFIX, publicKey])
    return diffieHellman({
      privateKey: createPrivateKey({ key: own, format: 'der', type: 'pkcs8' }),
      publicKey: createPublicKey({ key: other, format: 'der', type: 'spki' }),
    })
  } catch {
    // A public key of small order shares nothing.
    return undefined
  }
}

function cipherOf({ length }: Uint8Array): 'aes-128-gcm' | 'aes-256-gcm' {
  return length === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
}
