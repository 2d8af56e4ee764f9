import { parseJson, readArray, readObject, readString, UnexpectedJsonError } from '../json-reader.ts'
import { MAX_EXPO_ASSETS } from './manifest.ts'

/** Expo §7: what `expo export` writes beside its files, and says which they are. */
export const EXPO_METADATA = 'metadata.json'
/** Expo §7: the app's public config, as `expo config --type public --json` prints it. */
export const EXPO_CONFIG = 'expo-config.json'

/** What of an export is for one platform. */
export interface ExpoExport {
  platform: string
  /** The path of the bundle. */
  bundle: string
  assets: readonly { path: string; ext: string }[]
}

const EXTENSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/

/**
 * @param text of `metadata.json`, which other tools may write as well: undefined when this is none of Expo's
 * @throws UnexpectedJsonError with the place of the first thing that is not as it must be
 */
export function readExpoExport(text: string): ExpoExport | undefined {
  const json = readObject(parseJson(text), '')
  if (json.bundler === undefined || json.fileMetadata === undefined) return undefined
  if (json.version !== 0) throw new UnexpectedJsonError('/version', '0', json.version)
  if (json.bundler !== 'metro') throw new UnexpectedJsonError('/bundler', '"metro"', json.bundler)
  const platforms = Object.entries(readObject(json.fileMetadata, '/fileMetadata'))
  const [only] = platforms
  if (!only || platforms.length > 1) {
    const found = platforms.map(([name]) => name).join(', ')
    throw new UnexpectedJsonError('/fileMetadata', 'one platform: an update of Expo is for one', found)
  }
  const [platform, exported] = only
  const pointer = `/fileMetadata/${platform}`
  const { bundle, assets } = readObject(exported, pointer)
  return {
    platform,
    bundle: readPath(bundle, `${pointer}/bundle`),
    assets: readArray(assets, `${pointer}/assets`, MAX_EXPO_ASSETS).map((asset, index) => {
      const place = `${pointer}/assets/${index}`
      const { path, ext } = readObject(asset, place)
      const expected = 'an extension such as "png"'
      return {
        path: readPath(path, `${place}/path`),
        ext: readString(ext, `${place}/ext`, { pattern: EXTENSION, expected }),
      }
    }),
  }
}

/** An export made on Windows has backslashes. */
function readPath(value: unknown, pointer: string): string {
  return readString(value, pointer, { pattern: /./, expected: 'the path of a file' }).replaceAll('\\', '/')
}
