import { readArray, readObject, readString, UnexpectedJsonError } from '../json-reader.ts'

/** The app's public config, as `expo config --type public` prints it. */
export type ExpoConfig = Readonly<Record<string, unknown>>

/** Expo §4: what Expo's own modules read of it on iOS, where another type, `null` too, ends the app itself. */
const TEXTS = [
  'appKey',
  'facebookAppId',
  'facebookDisplayName',
  'hostUri',
  'iconUrl',
  'name',
  'orientation',
  'revisionId',
  'sdkVersion',
  'slug',
  'userInterfaceStyle',
  'version',
]
const OBJECTS = ['experiments', 'extra', 'ios', 'notification', 'updates']
const MAX_PLUGINS = 1_000

/** @throws UnexpectedJsonError with the place of what would end the app */
export function readExpoConfig(value: unknown, pointer: string): ExpoConfig {
  const config = readObject(value, pointer)
  readKnown(config, TEXTS, pointer, readString)
  readKnown(config, OBJECTS, pointer, readObject)
  readKnown(config, ['facebookAutoInitEnabled'], pointer, readBoolean)
  readKnown(config, ['plugins'], pointer, readPlugins)
  const { ios, extra } = config
  if (ios !== undefined) {
    const texts = ['backgroundColor', 'googleServicesFile', 'userInterfaceStyle']
    readKnown(readObject(ios, pointer), texts, `${pointer}/ios`, readString)
  }
  if (extra !== undefined) {
    readKnown(readObject(extra, pointer), ['supportsRTL', 'forcesRTL'], `${pointer}/extra`, readBoolean)
  }
  return config
}

/** EAS's id of the project, where the config has one: Expo's modules look for it beside the config, too. */
export function projectIdOf({ extra }: ExpoConfig): string | undefined {
  const eas = isObject(extra) ? extra.eas : undefined
  const projectId = isObject(eas) ? eas.projectId : undefined
  return typeof projectId === 'string' ? projectId : undefined
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
