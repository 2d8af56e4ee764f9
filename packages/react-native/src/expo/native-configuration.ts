import { PluginError } from './plugin-error.ts'

/** README, *What the binary says*: the same names on both platforms. */
export interface PluginOptions {
  apiUrl?: string
  appId?: string
  appKey?: string
  channel?: string
  /** Base64 of raw 32-byte Ed25519 keys. */
  publicKeys?: readonly string[]
  /** Base64 of raw 32-byte X25519 private keys: from the environment of the build, never from a file in the repository. */
  decryptionKeys?: readonly string[]
  /** `host=sha256/…` */
  pins?: readonly string[]
  allowInsecure?: boolean | 'loopback'
  runtimeVersion?: string
  /** `2027-01-31T12:00:00Z`, or `true` for the time of the prebuild. */
  builtAt?: string | boolean
  /** Where the files of an edge are. Needs public keys. */
  edgeUrl?: string
  /** Whether the edge is asked before the server (the default), or when that is not reached. */
  edgeOrder?: 'first' | 'fallback'
}

export type NativeValue = string | readonly string[]

const TEXTS = ['apiUrl', 'appId', 'appKey', 'channel', 'runtimeVersion'] as const
const EDGE = ['edgeUrl', 'edgeOrder'] as const
const KEYS = { publicKeys: 20, decryptionKeys: 8 } as const
const KEY = /^[A-Za-z0-9+/]{43}=$/
const PIN = /^(\*\.)?[A-Za-z0-9.-]+=sha256\/[A-Za-z0-9+/]{43}=$/
const ADDRESS = /^https?:\/\/[^\s?#@\\]+$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/

/**
 * What the binary will say, in the order of the README.
 *
 * @throws PluginError for what the native half would not take: better now than in the hands of users
 */
export function readPluginOptions(options: PluginOptions, now: Date): Map<string, NativeValue> {
  const said = new Map<string, NativeValue>()
  const known = new Set<string>([...TEXTS, ...Object.keys(KEYS), 'pins', 'allowInsecure', 'builtAt', ...EDGE])
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new PluginError(`there is no option "${name}". Known are ${[...known].join(', ')}.`)
  }
  for (const name of TEXTS) {
    const text: unknown = options[name]
    if (text === undefined) continue
    if (typeof text !== 'string' || !text.trim()) throw wrong(name, 'a text that is not empty', typeof text)
    said.set(name, text)
  }
  for (const [name, most] of Object.entries(KEYS)) {
    const keys = readList(name, options[name as keyof typeof KEYS], KEY, 'base64 of 32 bytes')
    if (keys.length > most) throw wrong(name, `at most ${most} keys`, `${keys.length}`)
    if (keys.length > 0) said.set(name, keys)
  }
  const pins = readList('pins', options.pins, PIN, 'host=sha256/ and base64 of 32 bytes')
  if (pins.length > 0) said.set('pins', pins)
  const { allowInsecure, builtAt } = options
  if (allowInsecure !== undefined) said.set('allowInsecure', readAllowInsecure(allowInsecure))
  const time = builtAt === true ? `${now.toISOString().slice(0, 19)}Z` : builtAt
  if (time) said.set('builtAt', readTime(time))
  for (const [name, text] of readEdge(options)) said.set(name, text)
  return said
}

function readEdge({ edgeUrl, edgeOrder, publicKeys }: PluginOptions): [name: string, text: string][] {
  const [url, order]: unknown[] = [edgeUrl, edgeOrder]
  if (order !== undefined && order !== 'first' && order !== 'fallback') {
    throw wrong('edgeOrder', '"first" or "fallback"', typeof order)
  }
  if (url === undefined) {
    if (order !== undefined) throw wrong('edgeOrder', 'edgeUrl beside it', 'none')
    return []
  }
  if (typeof url !== 'string' || !ADDRESS.test(url)) throw wrong('edgeUrl', 'an address without ? and #', typeof url)
  if (!publicKeys?.length) throw wrong('edgeUrl', 'publicKeys beside it, as nobody else can vouch for an edge', 'none')
  return [['edgeUrl', url], ...(order ? [['edgeOrder', order] as [string, string]] : [])]
}

function readList(name: string, value: unknown, form: RegExp, expected: string): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw wrong(name, 'a list of texts', typeof value)
  return value.map((item: unknown, index) => {
    // Never a part of it: it may be a private key.
    if (typeof item !== 'string' || !form.test(item)) throw wrong(`${name}[${index}]`, expected, 'something else')
    return item
  })
}

function readAllowInsecure(value: unknown): string {
  if (value === true || value === false || value === 'loopback') return String(value)
  throw wrong('allowInsecure', 'true, false or "loopback"', typeof value)
}

function readTime(value: unknown): string {
  if (typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value))) return value
  throw wrong('builtAt', 'a time such as "2027-01-31T12:00:00Z", or true', typeof value)
}

function wrong(name: string, expected: string, found: string): PluginError {
  return new PluginError(`${name}: expected ${expected}, found ${found}.`)
}
