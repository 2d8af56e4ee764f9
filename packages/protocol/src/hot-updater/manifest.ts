import { parseJson, readObject, readString, UnexpectedJsonError } from '../json-reader.ts'
import { isBuildId, NO_BUILD } from './build-ids.ts'

const SHA_256 = /^[0-9a-f]{64}$/

/** Hot-updater §7: at the top of what its tool builds. */
export const HOT_UPDATER_MANIFEST = 'manifest.json'

export interface HotUpdaterManifest {
  buildId: string
  /** By path, the SHA-256 of each file in lower-case hex. */
  files: ReadonlyMap<string, string>
}

/**
 * @returns undefined for another tool's file of that name
 * @throws UnexpectedJsonError when it is hot-updater's, and no client could take it
 */
export function readHotUpdaterManifest(text: string): HotUpdaterManifest | undefined {
  const manifest = parseOrNothing(text)
  if (!isObject(manifest) || manifest.bundleId === undefined || manifest.assets === undefined) return undefined
  const buildId = readString(manifest.bundleId, '/bundleId')
  if (!isBuildId(buildId) || buildId === NO_BUILD) {
    throw new UnexpectedJsonError('/bundleId', 'the id of the build, a UUID in lower case', buildId)
  }
  const files = new Map<string, string>()
  for (const [path, value] of Object.entries(readObject(manifest.assets, '/assets'))) {
    const pointer = `/assets/${path}`
    const { fileHash } = readObject(value, pointer)
    files.set(path, readString(fileHash, `${pointer}/fileHash`, { pattern: SHA_256, expected: 'a SHA-256 in hex' }))
  }
  return { buildId, files }
}

function parseOrNothing(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return undefined
    throw error
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
