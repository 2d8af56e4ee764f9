import type { KeyAlgorithm } from '@hotpatch/api'

/** A way to sign an artifact's bytes that some client verifies: one file here for each. */
export interface SignatureScheme {
  /** Of the keys that sign so. */
  algorithm: KeyAlgorithm
  /** What was expected and what was found, where it does not fit. */
  findFault(signed: SignedBytes): Promise<string | undefined>
}

export interface SignedBytes {
  publicKey: string
  /** Base64. */
  value: string
  /** Read once, a piece at a time: an artifact may be larger than memory. */
  bytes: AsyncIterable<Uint8Array>
  /** Of the release that they are in. */
  version: string
}
