import { parseJson, readArray, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'
import { readExpoConfig, type ExpoConfig } from './config.ts'
import { readExpoTime } from './identity.ts'

/**
 * Expo §4: what Expo's client loads an update by. On iOS a field that lacks or has another type ends the app itself, so
 * what is read here is stricter than the client.
 */
export interface ExpoManifest {
  /** A UUID in lower case. */
  id: string
  createdAt: string
  runtimeVersion: string
  launchAsset: ExpoAsset
  assets: readonly (ExpoAsset & { fileExtension: string })[]
  /** Compared with the filters of an answer. */
  metadata: Readonly<Record<string, string>>
  extra: ExpoExtra
}

export interface ExpoAsset {
  /** With the extension the name of the file on the device, where a file of the name is not fetched again. */
  key: string
  contentType: string
  url: string
  /** SHA-256 of the bytes as they are without encoding, in base64url. */
  hash: string
  /** With its dot. */
  fileExtension?: string
}

export interface ExpoExtra {
  /** The app's public config. */
  expoClient?: ExpoConfig
  eas?: { projectId: string }
}

/** A client that has to look at more would be kept busy for long. */
export const MAX_EXPO_ASSETS = 20_000
const MAX_RUNTIME_VERSION = 255

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What `URL(string:)` of every iOS and `Uri` take alike; of a host, what a request may name. */
const ADDRESS =
  /^https?:\/\/(?:[\w.-]+|\[[\da-fA-F:.]{2,45}\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~-]+)+(?:\?[A-Za-z0-9._~=&-]+)?$/
const HASH = /^[A-Za-z0-9_-]{43}$/
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
const EXTENSION = /^\.[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/
const CONTENT_TYPE = /^[A-Za-z0-9!#$&^_.+-]{1,64}\/[A-Za-z0-9!#$&^_.+-]{1,64}(?:; ?charset=[A-Za-z0-9-]{1,32})?$/

/** @throws UnexpectedJsonError with the place of the first thing that is not as it must be */
export function readExpoManifest(text: string): ExpoManifest {
  const json = readObject(parseJson(text), '')
  readOnly(json, '', ['id', 'createdAt', 'runtimeVersion', 'launchAsset', 'assets', 'metadata', 'extra'])
  const { fileExtension, ...launch } = readAsset(json.launchAsset, '/launchAsset')
  const assets = readArray(json.assets, '/assets', MAX_EXPO_ASSETS).map((asset, index) =>
    readAssetWithExtension(asset, `/assets/${index}`),
  )
  return {
    id: readString(json.id, '/id', { pattern: UUID, expected: 'a UUID in lower case' }),
    createdAt: readTime(json.createdAt, '/createdAt'),
    runtimeVersion: readExpoRuntimeVersion(json.runtimeVersion, '/runtimeVersion'),
    launchAsset: { ...launch, ...(fileExtension !== undefined && { fileExtension }) },
    assets,
    metadata: readMetadata(json.metadata),
    extra: readExtra(json.extra),
  }
}

/** Without spaces, and in this order: what is signed is exactly this text. */
export function writeExpoManifest(manifest: ExpoManifest): string {
  const { id, createdAt, runtimeVersion, launchAsset, assets, metadata, extra } = manifest
  return JSON.stringify({
    id,
    createdAt,
    runtimeVersion,
    launchAsset: inOrder(launchAsset),
    assets: assets.map(inOrder),
    metadata,
    extra,
  })
}

function inOrder({ key, contentType, url, hash, fileExtension }: ExpoAsset): ExpoAsset {
  return { hash, key, contentType, ...(fileExtension !== undefined && { fileExtension }), url }
}

export function readTime(value: unknown, pointer: string): string {
  const expected = 'a time such as "2027-01-31T12:00:00.000Z"'
  const text = readString(value, pointer, { expected })
  if (readExpoTime(text) === undefined) throw new UnexpectedJsonError(pointer, expected, text)
  return text
}

/** @throws UnexpectedJsonError */
export function readExpoRuntimeVersion(value: unknown, pointer: string): string {
  const expected = `1 to ${MAX_RUNTIME_VERSION} characters of text`
  const text = readString(value, pointer, { expected })
  if (text.length === 0 || text.length > MAX_RUNTIME_VERSION) throw new UnexpectedJsonError(pointer, expected, text)
  return text
}

/** @throws UnexpectedJsonError when no client could be sent there */
export function readExpoAddress(value: unknown, pointer: string): string {
  return readString(value, pointer, { pattern: ADDRESS, expected: 'an absolute address' })
}

function readAsset(value: unknown, pointer: string): ExpoAsset {
  const json = readObject(value, pointer)
  readOnly(json, pointer, ['key', 'contentType', 'url', 'hash', 'fileExtension'])
  const fileExtension = readOptional(json.fileExtension, (found) => readExtension(found, pointer))
  return {
    hash: readString(json.hash, `${pointer}/hash`, { pattern: HASH, expected: 'a SHA-256 in base64url' }),
    key: readString(json.key, `${pointer}/key`, { pattern: KEY, expected: 'a key that can be the name of a file' }),
    contentType: readString(json.contentType, `${pointer}/contentType`, {
      pattern: CONTENT_TYPE,
      expected: 'a type such as "image/png"',
    }),
    ...(fileExtension !== undefined && { fileExtension }),
    url: readExpoAddress(json.url, `${pointer}/url`),
  }
}

function readAssetWithExtension(value: unknown, pointer: string): ExpoAsset & { fileExtension: string } {
  const { fileExtension, ...asset } = readAsset(value, pointer)
  return { ...asset, fileExtension: fileExtension ?? readExtension(undefined, pointer) }
}

function readExtension(value: unknown, pointer: string): string {
  const expected = 'an extension such as ".png"'
  return readString(value, `${pointer}/fileExtension`, { pattern: EXTENSION, expected })
}

function readMetadata(value: unknown): Record<string, string> {
  const json = readObject(value, '/metadata')
  return Object.fromEntries(Object.entries(json).map(([name, text]) => [name, readString(text, `/metadata/${name}`)]))
}

function readExtra(value: unknown): ExpoExtra {
  const json = readObject(value, '/extra')
  readOnly(json, '/extra', ['expoClient', 'eas'])
  const expoClient = readOptional(json.expoClient, (found) => readExpoConfig(found, '/extra/expoClient'))
  const eas = readOptional(json.eas, (found) => {
    const { projectId, ...others } = readObject(found, '/extra/eas')
    readOnly(others, '/extra/eas', [])
    return { projectId: readString(projectId, '/extra/eas/projectId') }
  })
  return { ...(expoClient && { expoClient }), ...(eas && { eas }) }
}

/** What a client may read one day is not sent until it is known how. */
export function readOnly(json: Record<string, unknown>, pointer: string, names: readonly string[]): void {
  const other = Object.keys(json).find((name) => !names.includes(name))
  if (other !== undefined) throw new UnexpectedJsonError(`${pointer}/${other}`, 'nothing', json[other])
}
