import { copyFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readArray, readObject, UnexpectedJsonError } from '@hotpatch/protocol'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import { readPlainText } from '../files/read-plain-text.ts'
import type { CliContext } from '../process/context.ts'
import { readBundles, readRows, type HotUpdaterBundle, type HotUpdaterHistory } from './hot-updater-history.ts'
import { downloadByHttps, openSourceServer } from './source-server.ts'

/** Where bundles of hot-updater are read from. */
export interface HotUpdaterSource {
  readHistory(): Promise<HotUpdaterHistory>
  /** Brings the archive of a bundle to a path. @throws CommandError package-unreadable */
  fetchArchive(bundle: HotUpdaterBundle, path: string): Promise<void>
}

const PAGE = 100
const MAX_PAGES = 1_000
/** Of one export: what its database plugins for storages keep there, or what somebody has taken from a table. */
const ROWS_FILE = 'bundles.json'
const PLATFORMS: readonly string[] = ['android', 'ios']

/**
 * The management routes of its server.
 * @param storage a copy of the storage; undefined where every address in it can be fetched
 */
export function openHotUpdaterServer(
  context: CliContext,
  from: string,
  { token, storage }: { token: string | undefined; storage: string | undefined },
): HotUpdaterSource {
  const server = openSourceServer(context, from, token, 'application/json')
  return {
    async readHistory() {
      const rows: unknown[] = []
      let after = ''
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const found = await server.read(`/api/bundles?limit=${PAGE}${after}`, readPage)
        rows.push(...found.rows)
        if (found.next === undefined) return readBundles(rows)
        after = `&after=${encodeURIComponent(found.next)}`
      }
      throw new CommandError('source-unreadable', `${server.base} has more than ${MAX_PAGES * PAGE} bundles.`)
    },
    fetchArchive: (bundle, path) => fetchFrom(bundle, path, storage, (url) => server.download(url, path)),
  }
}

function readPage(json: unknown): { rows: unknown[]; next: string | undefined } {
  const { data, pagination } = readObject(json, '')
  const rows = readArray(data, '/data', PAGE)
  const { hasNextPage } = readObject(pagination, '/pagination')
  if (hasNextPage !== true || rows.length === 0) return { rows, next: undefined }
  // By the id of the last: all of its versions take that.
  const { id } = readObject(rows.at(-1), `/data/${rows.length - 1}`)
  return { rows, next: String(id) }
}

/** A copy of its storage: with `{channel}/{platform}/{target}/update.json` in it, or with a table's rows beside. */
export function openHotUpdaterExport(context: CliContext, directory: string): HotUpdaterSource {
  return {
    async readHistory() {
      const files = (await isFile(join(directory, ROWS_FILE))) ? [ROWS_FILE] : await findUpdateFiles(directory)
      const rows: unknown[] = []
      for (const file of files) {
        const path = join(directory, file)
        try {
          rows.push(...readRows(await readPlainText(path)))
        } catch (cause) {
          if (cause instanceof CommandError) throw cause
          const reason = cause instanceof UnexpectedJsonError ? cause.message : systemReason(cause)
          throw new CommandError('source-unreadable', `${path} cannot be read: ${reason}.`, { cause })
        }
      }
      if (files.length > 0) return readBundles(rows)
      const expected = `{channel}/{platform}/{target}/update.json, or ${ROWS_FILE} with the rows of the table bundles`
      throw new CommandError('source-unreadable', `Expected ${expected} in ${directory}, found neither.`)
    },
    fetchArchive: (bundle, path) => fetchFrom(bundle, path, directory, (url) => downloadByHttps(context, url, path)),
  }
}

async function findUpdateFiles(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const channel of await foldersIn(directory)) {
    for (const platform of (await foldersIn(join(directory, channel))).filter((name) => PLATFORMS.includes(name))) {
      for (const target of await foldersIn(join(directory, channel, platform))) {
        const file = join(channel, platform, target, 'update.json')
        if (await isFile(join(directory, file))) found.push(file)
      }
    }
  }
  return found
}

async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new CommandError('folder-unreadable', `${directory} cannot be read: ${systemReason(cause)}.`, { cause })
  })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

async function fetchFrom(
  { storageUri }: HotUpdaterBundle,
  path: string,
  storage: string | undefined,
  download: (url: string) => Promise<void>,
): Promise<void> {
  const url = URL.parse(storageUri)
  const places = url && storage !== undefined ? placesOf(url).map((place) => join(storage, ...place)) : []
  for (const place of places) if (await isFile(place)) return copyFile(place, path)
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return download(url.href)
  const where = storage === undefined ? 'no folder with a copy of the storage is given: --storage' : `not in ${storage}`
  throw new CommandError('package-unreadable', `${storageUri.slice(0, 200)} cannot be fetched: ${where}.`)
}

/** Where it lies in a copy of a bucket, or in one with a folder for each bucket. No address leads out of the copy. */
function placesOf({ host, pathname }: URL): string[][] {
  const segments = pathname.split('/').filter((segment) => segment !== '')
  const names = segments.map((segment) => decoded(segment))
  const isSafe = names.every((name) => name !== '.' && name !== '..' && !/[/\\\0]/.test(name))
  if (!isSafe || names.length === 0) return []
  return host === '' ? [names] : [names, [host, ...names]]
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // a percent sign that escapes nothing
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return false
    throw error
  }
}
