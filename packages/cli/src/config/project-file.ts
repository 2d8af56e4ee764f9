import { dirname, join } from 'node:path'
import {
  MAX_RECIPIENTS,
  PLATFORMS,
  isPlatform,
  readArray,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
  type EncryptionKey,
  type Platform,
} from '@hotpatch/protocol'
import { readChannel, readNativeRange, readNativeVersion, readPercentage } from '../arguments/readers.ts'
import { encryptionKeyOf, onceEach } from './encryption-recipients.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { readAppId, readPublicKeys } from './trust-file.ts'
import { normalizeUrl } from './connection.ts'
import { readPlainText } from '../files/read-plain-text.ts'

export const PROJECT_FILE = 'hotpatch.json'

/** Stands in for options of `release` that are not given. Paths are relative to the project file. */
export interface ReleaseDefaults {
  channel?: string | undefined
  entryFile?: string | undefined
  buildDir?: string | undefined
  bundleDir?: string | undefined
  hermes?: boolean | undefined
  rollout?: number | undefined
  mandatory?: boolean | undefined
  minNative?: string | undefined
  nativeRange?: string | undefined
  runtimeVersion?: string | undefined
  /** Path of the private key; the key itself is no part of the file. */
  rsaKey?: string | undefined
  /** Path of the private key of an Expo app's certificate; the key itself is no part of the file. */
  privateKeyPath?: string | undefined
}

/** What everybody who works on a project shares. It holds no secrets. */
export interface Project {
  directory: string
  path: string
  app?: string | undefined
  /** Of that app: what is signed is for it, whatever id a server tells. */
  appId?: string | undefined
  /** Besides one's own: keys whose statements may be stated again. */
  trustedKeys?: string[] | undefined
  /** For whose private keys bundles are encrypted that are published from here (Encryption §1). */
  encryptFor?: readonly EncryptionKey[] | undefined
  url?: string | undefined
  platforms?: Platform[] | undefined
  defaults: ReleaseDefaults
}

/** Looks in `directory`, then in those above it. */
export async function findProject(directory: string): Promise<Project | undefined> {
  const path = join(directory, PROJECT_FILE)
  try {
    return readProject(await readPlainText(path), path)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) {
      throw new CommandError('project-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
    }
  }
  const parent = dirname(directory)
  return parent === directory ? undefined : findProject(parent)
}

export function readProject(text: string, path: string): Project {
  try {
    // Some editors begin a file with a byte order mark.
    const json = readObject(JSON.parse(text.replace(/^\uFEFF/, '')), '')
    refuseUnknown(json, '', ['$schema', 'app', 'appId', 'trustedKeys', 'encryptFor', 'url', 'platforms', 'defaults'])
    const appId = readOptional(json.appId, (value) => readAppId(value, '/appId'))
    const trustedKeys = readOptional(json.trustedKeys, (value) => readPublicKeys(value, '/trustedKeys'))
    if (trustedKeys && appId === undefined) {
      throw new UnexpectedJsonError('/appId', 'the id of the app that trustedKeys are for', undefined)
    }
    return {
      directory: dirname(path),
      path,
      app: readOptional(json.app, (value) => readText(value, '/app', 'the slug or id of an app')),
      appId,
      trustedKeys,
      encryptFor: readOptional(json.encryptFor, readEncryptFor),
      url: readOptional(json.url, (value) => readWith(value, '/url', 'an http or https address', normalizeUrl)),
      platforms: readOptional(json.platforms, readPlatformList),
      defaults: readDefaults(json.defaults ?? {}),
    }
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError || cause instanceof SyntaxError)) throw cause
    throw new CommandError('project-invalid', `${path} is not a valid project file: ${cause.message}`, { cause })
  }
}

function readDefaults(value: unknown): ReleaseDefaults {
  const json = readObject(value, '/defaults')
  const at = (name: string) => `/defaults/${name}`
  const text = (name: string) =>
    readOptional(json[name], (found) => readText(found, at(name), 'a text that is not empty'))
  const checked = <T>(name: string, expected: string, read: (text: string) => T) =>
    readOptional(json[name], (found) => readWith(found, at(name), expected, read))
  const known = ['channel', 'entryFile', 'buildDir', 'bundleDir', 'rollout', 'mandatory', 'minNative', 'nativeRange']
  refuseUnknown(json, '/defaults', [...known, 'runtimeVersion', 'hermes', 'rsaKey', 'privateKeyPath'])
  return {
    channel: checked('channel', 'the name of a channel', readChannel),
    entryFile: text('entryFile'),
    buildDir: text('buildDir'),
    bundleDir: text('bundleDir'),
    hermes: readOptional(json.hermes, (found) => readFlag(found, at('hermes'))),
    rollout: readOptional(json.rollout, (found) => readRollout(found, at('rollout'))),
    mandatory: readOptional(json.mandatory, (found) => readFlag(found, at('mandatory'))),
    minNative: checked('minNative', 'a native version', readNativeVersion),
    nativeRange: checked('nativeRange', 'a range of native versions', readNativeRange),
    runtimeVersion: text('runtimeVersion'),
    rsaKey: text('rsaKey'),
    privateKeyPath: text('privateKeyPath'),
  }
}

/** That none is named encrypts nothing, and looks as if it did. */
function readEncryptFor(value: unknown): readonly EncryptionKey[] {
  const keys = readArray(value, '/encryptFor', MAX_RECIPIENTS).map((each, index) => {
    const key = typeof each === 'string' ? encryptionKeyOf(each) : undefined
    if (key) return key
    throw new UnexpectedJsonError(
      `/encryptFor/${index}`,
      'a public key of 32 bytes in base64: see encryption-keys show',
      each,
    )
  })
  if (keys.length === 0) throw new UnexpectedJsonError('/encryptFor', 'at least one public key', value)
  return onceEach(keys)
}

function readText(value: unknown, pointer: string, expected: string): string {
  return readString(value, pointer, { pattern: /\S/, expected })
}

function readWith<T>(value: unknown, pointer: string, expected: string, read: (text: string) => T): T {
  const text = readText(value, pointer, expected)
  try {
    return read(text)
  } catch {
    throw new UnexpectedJsonError(pointer, expected, value) // that it is no such thing is all that there is to say
  }
}

function readRollout(value: unknown, pointer: string): number {
  const expected = 'a percentage from 0 to 100 in steps of 0.01'
  if (typeof value !== 'number') throw new UnexpectedJsonError(pointer, expected, value)
  return readWith(String(value), pointer, expected, readPercentage)
}

function readFlag(value: unknown, pointer: string): boolean {
  if (typeof value !== 'boolean') throw new UnexpectedJsonError(pointer, 'true or false', value)
  return value
}

function readPlatformList(value: unknown): Platform[] {
  return readArray(value, '/platforms', PLATFORMS.length).map((item, index) => {
    if (isPlatform(item)) return item
    throw new UnexpectedJsonError(`/platforms/${index}`, `one of ${PLATFORMS.join(', ')}`, item)
  })
}

function refuseUnknown(json: Record<string, unknown>, pointer: string, known: readonly string[]) {
  const unknown = Object.keys(json).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new UnexpectedJsonError(`${pointer}/${unknown}`, `only ${known.join(', ')} here`, json[unknown])
}
