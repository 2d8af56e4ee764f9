import { readArray, readObject, readString, UnexpectedJsonError } from '../json-reader.ts'
import { isWellFormed } from '../well-formed.ts'

/** The app's public config, as `expo config --type public` prints it. */
export type ExpoConfig = Readonly<Record<string, unknown>>

/** Expo §4: what Expo's own modules read of it, of which another type, on iOS `null` too, ends the app itself. */
const TEXTS = [
  'appKey',
  'backgroundColor',
  'facebookAppId',
  'facebookDisplayName',
  'hostUri',
  'iconUrl',
  'name',
  'orientation',
  'primaryColor',
  'revisionId',
  'sdkVersion',
  'slug',
  'userInterfaceStyle',
  'version',
]
const OBJECTS = ['android', 'experiments', 'extra', 'ios', 'notification', 'updates']
const MAX_PLUGINS = 1_000
/** The reader of iOS takes 512 levels, and that of Android has no bound but its stack. */
const MAX_DEPTH = 100

/** @throws UnexpectedJsonError with the place of what would end the app */
export function readExpoConfig(value: unknown, pointer: string): ExpoConfig {
  const config = readObject(value, pointer)
  readKnown(config, TEXTS, pointer, readString)
  readKnown(config, OBJECTS, pointer, readObject)
  readKnown(config, ['facebookAutoInitEnabled'], pointer, readBoolean)
  readKnown(config, ['plugins'], pointer, readPlugins)
  const { ios, android, extra } = config
  if (ios !== undefined) {
    const texts = ['backgroundColor', 'googleServicesFile', 'userInterfaceStyle']
    readKnown(readObject(ios, pointer), texts, `${pointer}/ios`, readString)
  }
  if (android !== undefined) {
    const texts = ['backgroundColor', 'googleServicesFile', 'softwareKeyboardLayoutMode', 'userInterfaceStyle']
    readKnown(readObject(android, pointer), texts, `${pointer}/android`, readString)
  }
  if (extra !== undefined) {
    const json = readObject(extra, pointer)
    readKnown(json, ['supportsRTL', 'forcesRTL'], `${pointer}/extra`, readBoolean)
    readKnown(json, ['expo-navigation-bar', 'expo-status-bar'], `${pointer}/extra`, readObject)
  }
  requireReadable(config, pointer, 0)
  return config
}

/** EAS's id of the project, where the config has one: Expo's modules look for it beside the config, too. */
export function projectIdOf({ extra }: ExpoConfig): string | undefined {
  const eas = isObject(extra) ? extra.eas : undefined
  const projectId = isObject(eas) ? eas.projectId : undefined
  return typeof projectId === 'string' ? projectId : undefined
}

/** What JavaScript reads as JSON, and others do not: then there is no update at all. */
function requireReadable(value: unknown, pointer: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new UnexpectedJsonError(pointer, `at most ${MAX_DEPTH} levels`, value)
  if (typeof value === 'string') requireWellFormed(value, pointer)
  if (typeof value !== 'object' || value === null) return
  for (const [name, each] of Object.entries(value)) {
    requireWellFormed(name, pointer)
    requireReadable(each, `${pointer}/${name}`, depth + 1)
  }
}

function requireWellFormed(text: string, pointer: string): void {
  if (!isWellFormed(text)) throw new UnexpectedJsonError(pointer, 'text of whole characters', text)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readKnown(
  json: Record<string, unknown>,
  names: readonly string[],
  pointer: string,
  read: (value: unknown, pointer: string) => unknown,
): void {
  for (const name of names) if (json[name] !== undefined) read(json[name], `${pointer}/${name}`)
}

function readBoolean(value: unknown, pointer: string): boolean {
  if (typeof value === 'boolean') return value
  throw new UnexpectedJsonError(pointer, 'true or false', value)
}

/** A name, or a list that begins with one. */
function readPlugins(value: unknown, pointer: string): void {
  for (const [index, plugin] of readArray(value, pointer, MAX_PLUGINS).entries()) {
    const name = Array.isArray(plugin) ? plugin[0] : plugin
    readString(name, `${pointer}/${index}`, { expected: 'the name of a plugin, or a list that begins with it' })
  }
}
