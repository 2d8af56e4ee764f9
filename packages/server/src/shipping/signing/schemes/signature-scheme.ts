import type { KeyAlgorithm } from '@hotpatch/api'

/** A way to sign an artifact's bytes that some client verifies: one file here for each. */
export interface SignatureScheme {
  /** Of the keys that sign so. */
  algorithm: KeyAlgorithm
  /** @param value base64 @param bytes read once, a piece at a time: an artifact may be larger than memory */
  verify(publicKey: string, value: string, bytes: AsyncIterable<Uint8Array>): Promise<boolean>
}
