import { refusal } from './archive-refusal.ts'

/** On iOS a path has 1,024 bytes at most, and those in front of the bundle's folder count. */
export const MAX_PATH_BYTES = 512
/** What file systems take as one name. */
const MAX_SEGMENT_BYTES = 255

const FORBIDDEN: readonly [pattern: RegExp, found: string][] = [
  [/^$/, 'an empty name'],
  [/\p{Cc}/u, 'a control character'],
  [/\\/, 'a backslash, which is a folder separator on Windows'],
  [/:/, 'a colon, which names drives and alternate streams on Windows'],
  [/^\//, 'an absolute path'],
  [/(^|\/)\.\.(\/|$)/, '"..", which climbs out of the folder'],
  [/(^|\/)\.(\/|$)/, '"." as a folder'],
  [/\/\//, 'an empty folder name'],
  // Windows drops them, so that two names become one.
  [/[. ](\/|$)/, 'a name that ends in a dot or a space'],
]

/** Engine §1: what devices keep beside the files of a release, with its temporary form. */
const ENGINE_FILE = /^\.hotpatch\.json($|[./])/

/** Archives are unpacked on every platform: a path has to be harmless on all of them. A folder's ends in a slash. */
export function checkPath(path: string, maxPathBytes: number): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > maxPathBytes) {
    throw refusal('path-length', `Expected a path of at most ${maxPathBytes} bytes, found ${bytes}.`, path)
  }
  const fault = FORBIDDEN.find(([pattern]) => pattern.test(path))
  if (fault) throw refusal('path', `Expected a relative path with plain names, found ${fault[1]}.`, path)
  if (ENGINE_FILE.test(foldPath(path))) {
    throw refusal('path', 'Expected another name, found ".hotpatch.json", which devices keep for themselves.', path)
  }
  if (path.split('/').some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    throw refusal('path-length', `Expected names of at most ${MAX_SEGMENT_BYTES} bytes between slashes.`, path)
  }
}

/** Where case or composition does not count (Windows, macOS, Android's shared storage) two such paths are one file. */
function foldPath(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}

/** Refuses two entries for one place, and a file where another entry needs a folder. Folders end in a slash. */
export function checkNoConflicts(paths: Iterable<string>): void {
  const taken = new Map<string, string>()
  const folders = new Map<string, string>()
  for (const path of paths) {
    const isFolder = path.endsWith('/')
    const key = foldPath(isFolder ? path.slice(0, -1) : path)
    const other = taken.get(key)
    if (other !== undefined) {
      throw refusal(
        'duplicate-name',
        `Expected every path once, found ${JSON.stringify(other)} for the same place.`,
        path,
      )
    }
    taken.set(key, path)
    for (const folder of isFolder ? [key, ...parentsOf(key)] : parentsOf(key)) {
      if (folders.has(folder)) break
      folders.set(folder, path)
    }
  }
  for (const [key, path] of taken) {
    const inside = folders.get(key)
    if (inside === undefined || path.endsWith('/')) continue
    throw refusal('duplicate-name', `Expected a file or a folder, found ${JSON.stringify(inside)} inside it.`, path)
  }
}

/** Nearest first. */
function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) parents.push(path.slice(0, end))
  return parents
}
