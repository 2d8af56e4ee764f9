import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readSha256,
  readString,
  UnexpectedJsonError,
} from '../json-reader.ts'
import { readPlatform, type Platform } from '../platforms.ts'
import { statementTime } from '../release-statement.ts'

/** Static edge §3: the first field of each signed text, so that a signature over one can never pass for one over another. */
export const EDGE_KEYS_TYPE = 'hotpatch.edge-keys.v1'
export const EDGE_POINTER_TYPE = 'hotpatch.edge-pointer.v1'

/** Static edge §2: longer ones are refused unread. */
export const MAX_EDGE_DOCUMENT_BYTES = 16 * 1024
/** Of an envelope: the text in base64, and signatures. */
export const MAX_EDGE_ENVELOPE_BYTES = 32 * 1024
export const MAX_EDGE_SIGNATURES = 4
export const MAX_EDGE_KEYS = 4
/** A pointer that would be good for longer freezes whoever holds it; a key that would, outlives those who know of it. */
export const MAX_POINTER_LIFETIME_MS = 7 * 86_400_000
export const MAX_EDGE_KEY_LIFETIME_MS = 400 * 86_400_000

/** Static edge §2: exact bytes, and who signed them. */
export interface EdgeEnvelope {
  /** Base64 of the UTF-8 bytes of the text. */
  payload: string
  /** Base64, each over these bytes. */
  signatures: readonly string[]
}

/** Static edge §4: what a publisher signs of the keys by which the server speaks for an app. */
export interface EdgeKeyDocument {
  appId: string
  /** Rises with every document; a device takes none below the highest that it has taken. */
  version: number
  /** None: the app has no edge any more. */
  keys: readonly EdgeKey[]
  /** ISO 8601 in UTC. */
  createdAt: string
}

export interface EdgeKey {
  /** Base64 of 32 raw bytes. */
  publicKey: string
  /** ISO 8601 in UTC: nothing that it signs is believed from then on. */
  notAfter: string
}

/** Static edge §5: which catalog is the newest. The server signs it, again and again. */
export interface EdgePointer {
  appId: string
  platform: Platform
  channel: string
  /** Of the key document that names the key which signs this. */
  keysVersion: number
  /** Rises with every pointer of (app, platform, channel). */
  generation: number
  issuedAt: string
  expiresAt: string
  catalog: { sha256: string; sizeBytes: number }
}

export function writeEdgeEnvelope({ payload, signatures }: EdgeEnvelope): string {
  return JSON.stringify({ payload, signatures })
}

/** @throws UnexpectedJsonError */
export function readEdgeEnvelope(text: string): EdgeEnvelope {
  const json = readObject(parseJson(text), '')
  const signatures = readArray(json.signatures, '/signatures', MAX_EDGE_SIGNATURES)
  if (signatures.length === 0) throw new UnexpectedJsonError('/signatures', 'at least one signature', signatures)
  return {
    payload: readString(json.payload, '/payload'),
    signatures: signatures.map((signature, index) => readString(signature, `/signatures/${index}`)),
  }
}

export function writeEdgeKeyDocument({ appId, version, keys, createdAt }: EdgeKeyDocument): string {
  return JSON.stringify({
    type: EDGE_KEYS_TYPE,
    appId,
    version,
    keys: keys.map(({ publicKey, notAfter }) => ({ publicKey, notAfter })),
    createdAt,
  })
}

/**
 * After a publisher's signature was verified over the bytes that `text` came from.
 * @throws UnexpectedJsonError
 */
export function readEdgeKeyDocument(text: string): EdgeKeyDocument {
  const json = readTyped(text, EDGE_KEYS_TYPE)
  const createdAt = readTime(json.createdAt, '/createdAt')
  const keys = readArray(json.keys, '/keys', MAX_EDGE_KEYS).map((key, index) => readKey(key, `/keys/${index}`))
  for (const [index, { notAfter }] of keys.entries()) {
    const isLong = timeOf(notAfter) - timeOf(createdAt) > MAX_EDGE_KEY_LIFETIME_MS
    if (isLong) throw new UnexpectedJsonError(`/keys/${index}/notAfter`, 'at most 400 days after createdAt', notAfter)
  }
  return { appId: readShort(json.appId, '/appId'), version: readInteger(json.version, '/version', 1), keys, createdAt }
}

function readKey(value: unknown, pointer: string): EdgeKey {
  const json = readObject(value, pointer)
  return {
    publicKey: readString(json.publicKey, `${pointer}/publicKey`, KEY_TEXT),
    notAfter: readTime(json.notAfter, `${pointer}/notAfter`),
  }
}

export function writeEdgePointer(pointer: EdgePointer): string {
  const { appId, platform, channel, keysVersion, generation, issuedAt, expiresAt, catalog } = pointer
  return JSON.stringify({
    type: EDGE_POINTER_TYPE,
    appId,
    platform,
    channel,
    keysVersion,
    generation,
    issuedAt,
    expiresAt,
    catalog: { sha256: catalog.sha256, sizeBytes: catalog.sizeBytes },
  })
}

/**
 * After the server's signature was verified over the bytes that `text` came from.
 * @throws UnexpectedJsonError
 */
export function readEdgePointer(text: string): EdgePointer {
  const json = readTyped(text, EDGE_POINTER_TYPE)
  const issuedAt = readTime(json.issuedAt, '/issuedAt')
  const expiresAt = readTime(json.expiresAt, '/expiresAt')
  const lifetime = timeOf(expiresAt) - timeOf(issuedAt)
  if (lifetime <= 0 || lifetime > MAX_POINTER_LIFETIME_MS) {
    throw new UnexpectedJsonError('/expiresAt', 'a time after issuedAt, by at most 7 days', expiresAt)
  }
  const catalog = readObject(json.catalog, '/catalog')
  return {
    appId: readShort(json.appId, '/appId'),
    platform: readPlatform(json.platform, '/platform'),
    channel: readShort(json.channel, '/channel'),
    keysVersion: readInteger(json.keysVersion, '/keysVersion', 1),
    generation: readInteger(json.generation, '/generation', 1),
    issuedAt,
    expiresAt,
    catalog: {
      sha256: readSha256(catalog.sha256, '/catalog/sha256'),
      sizeBytes: readInteger(catalog.sizeBytes, '/catalog/sizeBytes', 1),
    },
  }
}

/** Of a time that was read. */
export function timeOf(text: string): number {
  return statementTime({ createdAt: text }) ?? Number.NaN
}

const KEY_TEXT = { pattern: /^[A-Za-z0-9+/]{43}=$/, expected: 'the base64 of 32 bytes' }
const SHORT = { pattern: /^[^\0]{1,200}$/, expected: 'a short text' }

function readTyped(text: string, type: string): Record<string, unknown> {
  const json = readObject(parseJson(text), '')
  if (json.type !== type) throw new UnexpectedJsonError('/type', JSON.stringify(type), json.type)
  return json
}

function readShort(value: unknown, pointer: string): string {
  return readString(value, pointer, SHORT)
}

function readTime(value: unknown, pointer: string): string {
  const text = readString(value, pointer)
  if (statementTime({ createdAt: text }) !== null) return text
  throw new UnexpectedJsonError(pointer, 'a time such as 2027-01-31T12:00:00.000Z', text)
}
