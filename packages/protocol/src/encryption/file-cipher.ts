import { utf8FromText } from '../utf8.ts'
import {
  EncryptionError,
  writeEncryptedHead,
  type EncryptedChunk,
  type EncryptedHead,
  type EncryptedHeader,
  type EncryptedPurpose,
  type Recipient,
} from './encrypted-file.ts'
import type { OpeningCrypto, SealingCrypto } from './encryption-crypto.ts'
import { openHpke, sealHpke } from './hpke.ts'

/** The private half of a key for which files are encrypted. */
export interface DecryptionKey {
  keyId: string
  privateKey: Uint8Array
}

/** The public half. */
export interface EncryptionKey {
  keyId: string
  publicKey: Uint8Array
}

/** Opens the chunks of one file. */
export interface FileOpener {
  /** @param sealed exactly the bytes of the chunk @throws EncryptionError 'damaged' */
  open(chunk: EncryptedChunk, sealed: Uint8Array): Promise<Uint8Array>
}

export interface FileSealer {
  head: EncryptedHead
  seal(chunk: EncryptedChunk, plain: Uint8Array): Promise<Uint8Array>
}

const CONTENT_KEY_BYTES = 32
const NONCE_BYTES = 12
const NOTHING = new Uint8Array()

/**
 * Encryption §3, with whichever of the keys the file is for.
 * @param purpose what it has to be: an archive is never opened as a patch
 * @throws EncryptionError
 */
export async function openEncryptedFile(
  head: EncryptedHead,
  { keys, purpose }: { keys: readonly DecryptionKey[]; purpose: EncryptedPurpose },
  crypto: OpeningCrypto,
): Promise<FileOpener> {
  const { header } = head
  if (header.purpose !== purpose) {
    throw new EncryptionError('damaged', `Expected an encrypted ${purpose}, found one for another purpose.`)
  }
  const key = await fileKey(await openContentKey(header, keys, crypto), head, crypto)
  return {
    async open(chunk, sealed) {
      const plain =
        sealed.length === chunk.sealedBytes
          ? await crypto.openGcm(sealed, { key, nonce: nonceOf(chunk), associated: NOTHING })
          : undefined
      if (plain?.length === chunk.plainBytes) return plain
      throw new EncryptionError('damaged', `Expected chunk ${chunk.index} as it was encrypted, found something else.`)
    },
  }
}

async function openContentKey(
  { recipients, purpose }: EncryptedHeader,
  keys: readonly DecryptionKey[],
  crypto: OpeningCrypto,
): Promise<Uint8Array> {
  for (const { keyId, encapsulated, wrappedKey } of recipients) {
    const known = keys.find((key) => key.keyId === keyId)
    if (!known) continue
    const info = infoOf(purpose, keyId)
    const opened = await openHpke({ encapsulated, sealed: wrappedKey }, { privateKey: known.privateKey, info }, crypto)
    if (opened?.length === CONTENT_KEY_BYTES) return opened
    throw new EncryptionError(
      'damaged',
      `Expected a content key for the key ${keyId}, found one that it does not open.`,
    )
  }
  throw new EncryptionError('key-missing', missingKeyMessage(recipients, keys))
}

/** For people: ids of public keys are no secrets. */
export function missingKeyMessage(
  recipients: readonly Pick<Recipient, 'keyId'>[],
  keys: readonly Pick<DecryptionKey, 'keyId'>[],
): string {
  const ids = (all: readonly { keyId: string }[]) => all.map(({ keyId }) => keyId).join(', ')
  return `It is encrypted for ${ids(recipients)}; found here ${keys.length === 0 ? 'no key' : ids(keys)}.`
}

/**
 * Encryption §2, with a content key that was never used before.
 * @throws EncryptionError 'damaged' when a public key is none
 */
export async function sealEncryptedFile(
  facts: Omit<EncryptedHeader, 'recipients'>,
  keys: readonly EncryptionKey[],
  crypto: SealingCrypto,
): Promise<FileSealer> {
  const contentKey = crypto.randomBytes(CONTENT_KEY_BYTES)
  const recipients: Recipient[] = []
  for (const { keyId, publicKey } of keys) {
    const wrapped = await sealHpke(contentKey, { publicKey, info: infoOf(facts.purpose, keyId) }, crypto)
    if (!wrapped)
      throw new EncryptionError('damaged', `Expected a public key of X25519, found ${keyId}, which is none.`)
    recipients.push({ keyId, encapsulated: wrapped.encapsulated, wrappedKey: wrapped.sealed })
  }
  const head = writeEncryptedHead({ ...facts, recipients })
  const key = await fileKey(contentKey, head, crypto)
  return {
    head,
    seal: async (chunk, plain) => crypto.sealGcm(plain, { key, nonce: nonceOf(chunk), associated: NOTHING }),
  }
}

/** Whoever changes a byte of the head has another key, and no chunk opens. */
async function fileKey(contentKey: Uint8Array, { bytes }: EncryptedHead, { hmacSha256 }: OpeningCrypto) {
  return hmacSha256(contentKey, bytes)
}

function infoOf(purpose: EncryptedPurpose, keyId: string): Uint8Array {
  return utf8FromText(`hotpatch encryption v1 ${purpose} ${keyId}`)
}

/** The last one is another than it would be with more behind it: what is cut, put elsewhere or added does not open. */
function nonceOf({ index, isLast }: EncryptedChunk): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  new DataView(nonce.buffer).setUint32(NONCE_BYTES - 5, index)
  nonce[NONCE_BYTES - 1] = isLast ? 1 : 0
  return nonce
}
