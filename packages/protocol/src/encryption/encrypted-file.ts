import { isKeyId } from '../device-trust.ts'
import { bytesFromHex, hexFromBytes } from '../hex.ts'
import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readSha256,
  readString,
  UnexpectedJsonError,
} from '../json-reader.ts'
import { textFromUtf8, utf8FromText } from '../utf8.ts'

/** Encryption §2: what it is called where algorithms are named. */
export const ENCRYPTION_ALGORITHM = 'hotpatch-v1' as const
/** More keys than an app has at once: those of its binaries in the field, and the next. */
export const MAX_RECIPIENTS = 16

const TYPE = 'hotpatch.encrypted.v1'
const MAGIC = 'HPCRYPT1'
/** The magic, and how long the header is. */
export const ENCRYPTED_PREFIX_BYTES = 12
/** As much as 16 recipients take, and twice that. */
const MAX_HEADER_BYTES = 8 * 1024

/** Of what is encrypted at a time. */
export const CHUNK_BYTES = 64 * 1024
const TAG_BYTES = 16
const ENCAPSULATED_BYTES = 32
const WRAPPED_KEY_BYTES = 48

/** What is inside: what is made for one is not opened as the other. */
export type EncryptedPurpose = 'archive' | 'patch'

export interface Recipient {
  /** Of the public key (Signing §9). */
  keyId: string
  encapsulated: Uint8Array
  wrappedKey: Uint8Array
}

/** Encryption §2.2: in the clear, and nothing that a release's statement does not say, too. */
export interface EncryptedHeader {
  purpose: EncryptedPurpose
  /** Of what is inside. */
  sha256: string
  sizeBytes: number
  /** Content §3.1: of the files that it stands for. */
  tree: string
  /** Of a patch: how it is packed (Patches §5), and the tree of what it is made of. */
  patch?: { format: string; baseTree: string }
  recipients: readonly Recipient[]
}

/** With its exact bytes: they are a part of the key. */
export interface EncryptedHead {
  header: EncryptedHeader
  /** Everything before the first chunk. */
  bytes: Uint8Array
}

export type EncryptionFault =
  /** Another version, or nothing that is encrypted like this. */
  | 'unknown'
  /** It is for other keys. */
  | 'key-missing'
  /** It was changed, or the key is not the one that it says. */
  | 'damaged'

export class EncryptionError extends Error {
  override name = 'EncryptionError'
  readonly code: EncryptionFault

  constructor(code: EncryptionFault, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * How many bytes the head has.
 * @param prefix the first bytes of the file
 * @throws EncryptionError
 */
export function readHeadLength(prefix: Uint8Array): number {
  const found = textFromUtf8(prefix.slice(0, MAGIC.length))
  if (found !== MAGIC || prefix.length < ENCRYPTED_PREFIX_BYTES) {
    throw new EncryptionError('unknown', `Expected an encrypted file that begins with ${MAGIC}, found another one.`)
  }
  const headerBytes = new DataView(prefix.buffer, prefix.byteOffset).getUint32(MAGIC.length, true)
  if (headerBytes > MAX_HEADER_BYTES) {
    throw damaged(`Expected a header of at most ${MAX_HEADER_BYTES} bytes, found ${headerBytes}.`)
  }
  return ENCRYPTED_PREFIX_BYTES + headerBytes
}

/** @param bytes as many as `readHeadLength` says @throws EncryptionError */
export function readEncryptedHead(bytes: Uint8Array): EncryptedHead {
  if (readHeadLength(bytes) !== bytes.length) throw damaged('Expected the whole header, found its beginning.')
  const text = textFromUtf8(bytes.slice(ENCRYPTED_PREFIX_BYTES))
  if (text === undefined) throw damaged('Expected a header in UTF-8, found none.')
  try {
    return { header: readHeader(parseJson(text)), bytes }
  } catch (error) {
    if (error instanceof UnexpectedJsonError) throw damaged(`The header: ${error.message}.`)
    throw error
  }
}

export function writeEncryptedHead(header: EncryptedHeader): EncryptedHead {
  const { purpose, sha256, sizeBytes, tree, patch, recipients } = header
  const text = JSON.stringify({
    type: TYPE,
    purpose,
    sha256,
    sizeBytes,
    tree,
    ...patch,
    recipients: recipients.map(({ keyId, encapsulated, wrappedKey }) => ({
      keyId,
      encapsulated: hexFromBytes(encapsulated),
      wrappedKey: hexFromBytes(wrappedKey),
    })),
  })
  const json = utf8FromText(text)
  const bytes = new Uint8Array(ENCRYPTED_PREFIX_BYTES + json.length)
  bytes.set(utf8FromText(MAGIC))
  new DataView(bytes.buffer).setUint32(MAGIC.length, json.length, true)
  bytes.set(json, ENCRYPTED_PREFIX_BYTES)
  return { header, bytes }
}

/** A part of the file: so much of what is inside, and behind it a tag. */
export interface EncryptedChunk {
  index: number
  isLast: boolean
  /** In the file. */
  offset: number
  sealedBytes: number
  /** In what is inside. */
  plainOffset: number
  plainBytes: number
}

/** Encryption §2.3. */
export function* chunksOf({ header: { sizeBytes }, bytes }: EncryptedHead): Generator<EncryptedChunk> {
  const count = chunkCount(sizeBytes)
  for (let index = 0; index < count; index += 1) {
    const plainOffset = index * CHUNK_BYTES
    const plainBytes = Math.min(CHUNK_BYTES, sizeBytes - plainOffset)
    yield {
      index,
      isLast: index === count - 1,
      offset: bytes.length + index * (CHUNK_BYTES + TAG_BYTES),
      sealedBytes: plainBytes + TAG_BYTES,
      plainOffset,
      plainBytes,
    }
  }
}

/** Of the whole file: nothing is behind the last chunk. */
export function encryptedSize({ header: { sizeBytes }, bytes }: EncryptedHead): number {
  return bytes.length + sizeBytes + chunkCount(sizeBytes) * TAG_BYTES
}

function chunkCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / CHUNK_BYTES)
}

function readHeader(value: unknown): EncryptedHeader {
  const json = readObject(value, '')
  readString(json.type, '/type', { pattern: /^hotpatch\.encrypted\.v1$/, expected: `"${TYPE}"` })
  const purpose = readPurpose(json.purpose)
  const recipients = readArray(json.recipients, '/recipients', MAX_RECIPIENTS).map((each, index) =>
    readRecipient(each, `/recipients/${index}`),
  )
  if (new Set(recipients.map(({ keyId }) => keyId)).size !== recipients.length || recipients.length === 0) {
    throw new UnexpectedJsonError('/recipients', 'at least one, each for a key of its own', json.recipients)
  }
  const patch = purpose === 'patch' ? readPatch(json) : undefined
  return {
    purpose,
    sha256: readSha256(json.sha256, '/sha256'),
    sizeBytes: readInteger(json.sizeBytes, '/sizeBytes', 1),
    tree: readSha256(json.tree, '/tree'),
    ...(patch && { patch }),
    recipients,
  }
}

function readPurpose(value: unknown): EncryptedPurpose {
  if (value === 'archive' || value === 'patch') return value
  throw new UnexpectedJsonError('/purpose', '"archive" or "patch"', value)
}

function readPatch(json: Record<string, unknown>): { format: string; baseTree: string } {
  const format = readString(json.format, '/format', { pattern: /^[a-z0-9-]{1,32}$/, expected: 'a format of patches' })
  return { format, baseTree: readSha256(json.baseTree, '/baseTree') }
}

function readRecipient(value: unknown, pointer: string): Recipient {
  const json = readObject(value, pointer)
  const keyId = readString(json.keyId, `${pointer}/keyId`)
  if (!isKeyId(keyId)) throw new UnexpectedJsonError(`${pointer}/keyId`, '16 lower-case hex digits', keyId)
  return {
    keyId,
    encapsulated: readHex(json.encapsulated, `${pointer}/encapsulated`, ENCAPSULATED_BYTES),
    wrappedKey: readHex(json.wrappedKey, `${pointer}/wrappedKey`, WRAPPED_KEY_BYTES),
  }
}

function readHex(value: unknown, pointer: string, length: number): Uint8Array {
  const bytes = typeof value === 'string' ? bytesFromHex(value) : undefined
  if (bytes?.length === length) return bytes
  throw new UnexpectedJsonError(pointer, `${length} bytes in lower-case hex`, value)
}

function damaged(message: string): EncryptionError {
  return new EncryptionError('damaged', message)
}
