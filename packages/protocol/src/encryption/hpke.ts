import { utf8FromText } from '../utf8.ts'
import {
  encryptionPublicKey,
  ENCRYPTION_KEY_BYTES,
  type OpeningCrypto,
  type SealingCrypto,
} from './encryption-crypto.ts'

/** RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM. One message for each set-up. */
export interface HpkeInput {
  /** Binds what is sealed to what it is for. */
  info: Uint8Array
  /** Authenticated with it; empty when absent. */
  associated?: Uint8Array
  /** Of AES: 32 bytes when absent, as everywhere here. */
  keyBytes?: 16 | 32
}

export interface HpkeSealed {
  /** The public half of a key that was made for this message alone. */
  encapsulated: Uint8Array
  sealed: Uint8Array
}

const KEM_ID = [0x00, 0x20]
const KDF_ID = [0x00, 0x01]
const AEAD_IDS = { 16: [0x00, 0x01], 32: [0x00, 0x02] } as const
const MODE_BASE = 0
const NONCE_BYTES = 12
const SHARED_BYTES = 32
const EMPTY = new Uint8Array()

const KEM_SUITE = bytesOf('KEM', KEM_ID)
const VERSION_LABEL = utf8FromText('HPKE-v1')

/**
 * @param ephemeralKey for test vectors: a private key that is used twice gives away what it sealed
 * @returns undefined when the public key is none
 */
export async function sealHpke(
  plain: Uint8Array,
  { publicKey, ephemeralKey, ...input }: HpkeInput & { publicKey: Uint8Array; ephemeralKey?: Uint8Array },
  crypto: SealingCrypto,
): Promise<HpkeSealed | undefined> {
  const privateKey = ephemeralKey ?? crypto.randomBytes(ENCRYPTION_KEY_BYTES)
  const encapsulated = await encryptionPublicKey(privateKey, crypto)
  const shared = await agree(privateKey, publicKey, crypto)
  if (!shared || !encapsulated) return undefined
  const context = await setUp(shared, { encapsulated, publicKey }, input, crypto)
  return { encapsulated, sealed: await crypto.sealGcm(plain, context) }
}

/** Undefined when the key is another one, or anything was changed. */
export async function openHpke(
  { encapsulated, sealed }: HpkeSealed,
  { privateKey, ...input }: HpkeInput & { privateKey: Uint8Array },
  crypto: OpeningCrypto,
): Promise<Uint8Array | undefined> {
  const publicKey = await encryptionPublicKey(privateKey, crypto)
  const shared = await agree(privateKey, encapsulated, crypto)
  if (!shared || !publicKey) return undefined
  return crypto.openGcm(sealed, await setUp(shared, { encapsulated, publicKey }, input, crypto))
}

/** RFC 9180 §7.1.4: all zeros come of a public key that was chosen for that, and are nobody's secret. */
async function agree(privateKey: Uint8Array, publicKey: Uint8Array, crypto: OpeningCrypto) {
  const shared = await crypto.x25519(privateKey, publicKey)
  return shared?.some((byte) => byte !== 0) ? shared : undefined
}

/** RFC 9180 §4.1 and §5.1. */
async function setUp(
  agreed: Uint8Array,
  { encapsulated, publicKey }: { encapsulated: Uint8Array; publicKey: Uint8Array },
  { info, associated = EMPTY, keyBytes = 32 }: HpkeInput,
  { hmacSha256 }: OpeningCrypto,
) {
  const kem = labelled(KEM_SUITE, hmacSha256)
  const extracted = await kem.extract(EMPTY, 'eae_prk', agreed)
  const shared = await kem.expand(extracted, 'shared_secret', bytesOf(encapsulated, publicKey), SHARED_BYTES)
  const hpke = labelled(bytesOf('HPKE', KEM_ID, KDF_ID, AEAD_IDS[keyBytes]), hmacSha256)
  const noKeyId = await hpke.extract(EMPTY, 'psk_id_hash', EMPTY)
  const context = bytesOf([MODE_BASE], noKeyId, await hpke.extract(EMPTY, 'info_hash', info))
  const secret = await hpke.extract(shared, 'secret', EMPTY)
  return {
    key: await hpke.expand(secret, 'key', context, keyBytes),
    nonce: await hpke.expand(secret, 'base_nonce', context, NONCE_BYTES),
    associated,
  }
}

/** RFC 9180 §4, over RFC 5869. Nothing that is asked for here is longer than one block. */
function labelled(suite: Uint8Array, hmacSha256: OpeningCrypto['hmacSha256']) {
  return {
    extract: (salt: Uint8Array, label: string, secret: Uint8Array) =>
      hmacSha256(salt, bytesOf(VERSION_LABEL, suite, label, secret)),
    async expand(key: Uint8Array, label: string, info: Uint8Array, length: number): Promise<Uint8Array> {
      const block = await hmacSha256(key, bytesOf([0, length], VERSION_LABEL, suite, label, info, [1]))
      return block.slice(0, length)
    },
  }
}

function bytesOf(...parts: (string | Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...(typeof part === 'string' ? utf8FromText(part) : part)]))
}
