import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EXPO_METADATA, readExpoExport, UnexpectedJsonError } from '@hotpatch/protocol'
import { readNewVersion } from '../arguments/readers.ts'
import { CommandError, hasCode, systemReason, UsageError } from '../errors/errors.ts'
import type { ExpoPlatform } from '../expo/expo-config.ts'
import { readPlainText } from '../files/read-plain-text.ts'

/** One folder of what expo-open-ota keeps: an update for one platform, or a way back to what the binary shipped with. */
export interface XpremUpdate {
  kind: 'update' | 'roll-back'
  branch: string
  runtimeVersion: string
  platform: ExpoPlatform
  /** The name of its folder. */
  id: string
  at: number
  directory: string
  /** That of the app then, with its id as the build: the same at every import. */
  version: string
  notes: string | undefined
  fileCount: number
  totalBytes: number
}

export interface XpremHistory {
  /** Oldest first. */
  updates: readonly XpremUpdate[]
  leftOut: readonly { path: string; reason: string }[]
}

/** What the folder of an update has beside what `expo export` wrote. */
export const XPREM_CONFIG = 'expoConfig.json'
export const XPREM_OWN_FILES: readonly string[] = ['.check', 'update-metadata.json', 'rollback', XPREM_CONFIG]

/** Milliseconds, in later versions with a digit for the platform behind them. */
const UPDATE_ID = /^[0-9]{13,14}$/
const MAX_PLAIN_MS = 9_999_999_999_999
const UNKNOWN_VERSION = '0.0.0'

/**
 * `branch/runtime version/update id`, in later versions below a folder for each app.
 * @throws UsageError when nothing in the folder is of expo-open-ota, or it is of several apps
 */
export async function readXpremHistory(directory: string): Promise<XpremHistory> {
  const updates: XpremUpdate[] = []
  const leftOut: { path: string; reason: string }[] = []
  for (const [branch = '', runtimeVersion = '', id = '', ...root] of await findUpdates(directory)) {
    const path = join(...root, branch, runtimeVersion, id)
    const found = await readUpdate({ branch, runtimeVersion, id, directory: join(directory, path) })
    if (typeof found === 'string') leftOut.push({ path, reason: found })
    else updates.push(found)
  }
  return { updates: updates.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)), leftOut }
}

/** @returns branch, runtime version and id of each, and then the folder of the app, where there is one */
async function findUpdates(directory: string): Promise<string[][]> {
  const isUpdate = (path: readonly string[]) => UPDATE_ID.test(path.at(-1) ?? '')
  const runtimeVersions = await foldersIn(directory, await foldersIn(directory, await foldersIn(directory, [[]])))
  const ofOneApp = runtimeVersions.filter(isUpdate)
  if (ofOneApp.length > 0) return ofOneApp
  const ofApps = (await foldersIn(directory, runtimeVersions)).filter(isUpdate)
  const apps = [...new Set(ofApps.map(([app = '']) => app))]
  if (apps.length === 1) return ofApps.map(([app = '', ...path]) => [...path, app])
  const expected = 'Expected what expo-open-ota keeps of one app, branch/runtime version/update id'
  const found =
    apps.length === 0
      ? 'no such folder'
      : `the apps ${apps.join(', ')}: name one, such as ${join(directory, apps[0] ?? '')}`
  throw new UsageError(`${expected}, in ${directory}; found ${found}.`)
}

async function foldersIn(directory: string, paths: readonly string[][]): Promise<string[][]> {
  const found = []
  for (const path of paths) {
    const entries = await readdir(join(directory, ...path), { withFileTypes: true }).catch((cause: unknown) => {
      const message = `${join(directory, ...path)} cannot be read: ${systemReason(cause)}.`
      throw new CommandError('folder-unreadable', message, { cause })
    })
    found.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => [...path, name]))
  }
  return found
}

type Place = Pick<XpremUpdate, 'branch' | 'runtimeVersion' | 'id' | 'directory'>

/** Or why not. */
async function readUpdate(place: Place): Promise<XpremUpdate | string> {
  const { directory, id } = place
  const own = await readJson(join(directory, 'update-metadata.json'))
  if (!own) {
    return 'it has no readable update-metadata.json, which says its platform. A server with a database keeps that there'
  }
  if (!(await isThere(join(directory, '.check')))) return 'it has no .check: its publish was never finished'
  const { platform, message, commitHash } = own
  if (platform !== 'android' && platform !== 'ios') return `it is for ${JSON.stringify(platform)}, not android or ios`
  const commit = isText(commitHash) ? `Commit ${commitHash}` : undefined
  const notes = [isText(message) ? message : undefined, commit].filter((each) => each !== undefined).join('\n')
  const update: Omit<XpremUpdate, 'kind' | 'fileCount' | 'totalBytes'> = {
    ...place,
    platform,
    at: Number(id) > MAX_PLAIN_MS ? Math.floor(Number(id) / 10) : Number(id),
    version: await versionOf(place),
    notes: notes === '' ? undefined : notes,
  }
  if (await isThere(join(directory, 'rollback'))) return { ...update, kind: 'roll-back', fileCount: 0, totalBytes: 0 }
  const sizes = await sizesOf(directory, platform)
  if (typeof sizes === 'string') return sizes
  return { ...update, kind: 'update', fileCount: sizes.length, totalBytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** Of the files of one platform. Or what is wrong with them. */
async function sizesOf(directory: string, platform: ExpoPlatform): Promise<number[] | string> {
  const metadata = await readJson(join(directory, EXPO_METADATA))
  const byPlatform = metadata?.fileMetadata
  const exported = isObject(byPlatform) ? byPlatform[platform] : undefined
  if (exported === undefined) return `its ${EXPO_METADATA} names no files for ${platform}`
  try {
    const read = readExpoExport(JSON.stringify({ ...metadata, fileMetadata: { [platform]: exported } }))
    if (!read) return `its ${EXPO_METADATA} is none of expo export`
    const sizes = []
    for (const path of new Set([read.bundle, ...read.assets.map((asset) => asset.path)])) {
      const size = await sizeOf(join(directory, path))
      if (size === undefined) return `it lacks the file ${path}, which its ${EXPO_METADATA} names`
      sizes.push(size)
    }
    return sizes
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return `its ${EXPO_METADATA}: ${error.message}`
    throw error
  }
}

async function versionOf({ directory, id }: Place): Promise<string> {
  const version = (await readJson(join(directory, XPREM_CONFIG)))?.version
  try {
    return readNewVersion(`${isText(version) ? version : UNKNOWN_VERSION}+${id}`)
  } catch {
    return `${UNKNOWN_VERSION}+${id}`
  }
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const json: unknown = JSON.parse(await readPlainText(path))
    return isObject(json) ? json : undefined
  } catch {
    return undefined // whatever it is, it cannot be read
  }
}

const isThere = async (path: string) => (await sizeOf(path)) !== undefined

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
