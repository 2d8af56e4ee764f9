import { verifyPlainEd25519 } from './verify-plain-ed25519.ts'
import type { SignatureScheme } from './signature-scheme.ts'

/** Signing §10.2: `sparkle:edSignature`, a plain Ed25519 signature over the whole file. */
export const sparkleEd25519: SignatureScheme = {
  algorithm: 'sparkle-ed25519',
  async findFault({ publicKey, value, bytes }) {
    const signature = Buffer.from(value, 'base64')
    if (signature.length !== 64 || signature.toString('base64') !== value) {
      return 'expected 64 bytes in base64, as sign_update prints them, found something else'
    }
    const isSigned = await verifyPlainEd25519(Buffer.from(publicKey, 'base64'), bytes, signature)
    return isSigned ? undefined : 'expected one over these bytes, found one over others, or of another key'
  },
}
