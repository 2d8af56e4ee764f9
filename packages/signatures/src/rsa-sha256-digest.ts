import { constants, createHash, createVerify } from 'node:crypto'
import type { SignatureScheme } from './signature-scheme.ts'

/** PKCS#1 v1.5 with SHA-256 over the 32 bytes of the artifact's SHA-256: hashed twice, as hot-updater has it. */
export const rsaSha256Digest: SignatureScheme = {
  algorithm: 'rsa',
  async findFault({ publicKey, value, bytes }) {
    const hash = createHash('sha256')
    for await (const chunk of bytes) hash.update(chunk)
    const verifying = createVerify('sha256').update(hash.digest())
    const isSigned = verifying.verify({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, value, 'base64')
    return isSigned
      ? undefined
      : 'expected one over the SHA-256 of these bytes, found one over another, or of another key'
  },
}
