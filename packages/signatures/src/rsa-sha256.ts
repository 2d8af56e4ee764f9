import { constants, createVerify } from 'node:crypto'
import type { SignatureScheme } from './signature-scheme.ts'

/** PKCS#1 v1.5 with SHA-256 over the exact bytes, as Java's SHA256withRSA has it. */
export const rsaSha256: SignatureScheme = {
  algorithm: 'rsa',
  async findFault({ publicKey, value, bytes }) {
    const verifying = createVerify('sha256')
    for await (const chunk of bytes) verifying.update(chunk)
    const isSigned = verifying.verify({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, value, 'base64')
    return isSigned ? undefined : 'expected one over these bytes, found one over others, or of another key'
  },
}
