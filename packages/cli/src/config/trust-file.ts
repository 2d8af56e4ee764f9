import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  isPlatform,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
  type Platform,
} from '@hotpatch/protocol'
import { userDirectory, writePrivateFile } from './config-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

/** What is known of an app from before, whatever a server says of it now. */
export interface KnownApp {
  /** Keys whose statements the user takes for true, besides their own: base64. */
  keys: string[]
  /** By platform: the highest sequence that a server took from here, or that was seen in a verified statement. */
  sequences: Map<Platform, number>
  /** By platform: the highest floor of such a statement. */
  floors: Map<Platform, number>
}

/** What the user has accepted, once, and need not be asked again. */
export interface Trust {
  /** Addresses that get a token from the environment, with the ids that slugs have there. */
  servers: Map<string, Map<string, string>>
  apps: Map<string, KnownApp>
}

const ID = /^[0-9a-f-]{36}$/
const PUBLIC_KEY = { pattern: /^[A-Za-z0-9+/]{43}=$/, expected: 'an Ed25519 public key in base64' }
const MAX_KEYS = 100

export function trustPath(env: CliContext['env']): string {
  return join(userDirectory(env), 'trust.json')
}

/** Empty when there is no file yet. */
export async function readTrust(path: string): Promise<Trust> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return { servers: new Map(), apps: new Map() }
    throw new CommandError('trust-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
  try {
    const json = readObject(JSON.parse(text), '')
    return { servers: readMap(json.servers, '/servers', readServer), apps: readMap(json.apps, '/apps', readKnownApp) }
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError || cause instanceof SyntaxError)) throw cause
    // Never begun anew by itself: that would be first use again, for whoever could damage it.
    const message = `${path} is not as this tool wrote it: ${cause.message}. Correct it, or delete it to begin anew.`
    throw new CommandError('trust-invalid', message, { cause })
  }
}

/** Addresses that something was signed for, or that were accepted by name. */
export async function readAcceptedServers(path: string): Promise<ReadonlySet<string>> {
  return new Set((await readTrust(path)).servers.keys())
}

/** Reads it anew first: another command may have learned something since. */
export async function changeTrust(path: string, change: (trust: Trust) => void): Promise<Trust> {
  const trust = await readTrust(path)
  const before = textOf(trust)
  change(trust)
  if (textOf(trust) !== before) await writePrivateFile(path, textOf(trust), { replace: true })
  return trust
}

function textOf(trust: Trust): string {
  const json = {
    servers: Object.fromEntries([...trust.servers].map(([url, apps]) => [url, Object.fromEntries(apps)])),
    apps: Object.fromEntries([...trust.apps].map(([id, app]) => [id, writeKnownApp(app)])),
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

/** The app's entry, made when there is none. */
export function knownApp(trust: Trust, appId: string): KnownApp {
  const known = trust.apps.get(appId) ?? { keys: [], sequences: new Map(), floors: new Map() }
  trust.apps.set(appId, known)
  return known
}

/** Of a platform, as devices of it see them: a statement for any platform counts on each. */
export function highestOf(numbers: ReadonlyMap<Platform, number> | undefined, platform: Platform): number {
  if (!numbers) return 0
  if (platform === 'any') return Math.max(0, ...numbers.values())
  return Math.max(numbers.get(platform) ?? 0, numbers.get('any') ?? 0)
}

function writeKnownApp({ keys, sequences, floors }: KnownApp) {
  return { keys, sequences: Object.fromEntries(sequences), floors: Object.fromEntries(floors) }
}

function readMap<T>(value: unknown, pointer: string, read: (value: unknown, pointer: string, name: string) => T) {
  const json = readObject(value ?? {}, pointer)
  return new Map(Object.entries(json).map(([name, item]) => [name, read(item, `${pointer}/${name}`, name)]))
}

function readServer(value: unknown, pointer: string): Map<string, string> {
  return readMap(value, pointer, (id, at) => readString(id, at, { pattern: ID, expected: 'the id of an app' }))
}

function readKnownApp(value: unknown, pointer: string): KnownApp {
  const json = readObject(value, pointer)
  return {
    keys: readOptional(json.keys, (keys) => readPublicKeys(keys, `${pointer}/keys`)) ?? [],
    sequences: readNumbers(json.sequences, `${pointer}/sequences`),
    floors: readNumbers(json.floors, `${pointer}/floors`),
  }
}

export function readPublicKeys(value: unknown, pointer: string): string[] {
  return readArray(value, pointer, MAX_KEYS).map((key, index) => readString(key, `${pointer}/${index}`, PUBLIC_KEY))
}

export function readAppId(value: unknown, pointer: string): string {
  return readString(value, pointer, { pattern: ID, expected: 'the id of an app' })
}

function readNumbers(value: unknown, pointer: string): Map<Platform, number> {
  const numbers = readMap(value, pointer, (number, at) => readInteger(number, at, 0))
  for (const name of numbers.keys()) {
    if (!isPlatform(name)) throw new UnexpectedJsonError(`${pointer}/${name}`, 'the name of a platform', name)
  }
  return numbers as Map<Platform, number>
}
