type Soon<Value> = Value | Promise<Value>

/** What opening encrypted files takes of the machine: all of it is in WebCrypto, node:crypto and the platforms' own libraries. */
export interface OpeningCrypto {
  hmacSha256(key: Uint8Array, message: Uint8Array): Soon<Uint8Array>
  /**
   * RFC 7748: what both sides come to share, 32 bytes. A private key with the base point gives its public key.
   * Undefined, not an error, for what is no key.
   */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Soon<Uint8Array | undefined>
  /** AES with a key of 16 or 32 bytes; the tag of 16 bytes is behind the content. Undefined when it does not verify. */
  openGcm(sealed: Uint8Array, how: GcmInput): Soon<Uint8Array | undefined>
}

/** What making them takes besides. */
export interface SealingCrypto extends OpeningCrypto {
  sealGcm(plain: Uint8Array, how: GcmInput): Soon<Uint8Array>
  randomBytes(length: number): Uint8Array
}

export interface GcmInput {
  key: Uint8Array
  /** 12 bytes. */
  nonce: Uint8Array
  /** Authenticated with it. */
  associated: Uint8Array
}

/** X25519 keys, of either half. */
export const ENCRYPTION_KEY_BYTES = 32

/** RFC 7748: u = 9. */
const BASE_POINT = Uint8Array.from({ length: ENCRYPTION_KEY_BYTES }, (_, index) => (index === 0 ? 9 : 0))

/** Undefined for what is no private key. */
export async function encryptionPublicKey(
  privateKey: Uint8Array,
  crypto: Pick<OpeningCrypto, 'x25519'>,
): Promise<Uint8Array | undefined> {
  return crypto.x25519(privateKey, BASE_POINT)
}
