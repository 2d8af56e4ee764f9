import { createPublicKey, randomUUID, verify } from 'node:crypto'
import type { CryptoPort } from '@hotpatch/device-ground'
import { createNodeSha256 } from '@hotpatch/device-ground/node'

export function createNodeCrypto(): CryptoPort {
  return {
    sha256: createNodeSha256,
    verifyEd25519(publicKey, message, signature) {
      try {
        const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
        return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature)
      } catch {
        // Bytes that are no key verify nothing.
        return false
      }
    },
    randomUuid: randomUUID,
  }
}
