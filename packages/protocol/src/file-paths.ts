import { isWellFormed } from './well-formed.ts'

/** On iOS a path has 1,024 bytes at most, and those in front of the bundle's folder count. */
export const MAX_FILE_PATH_BYTES = 512
/** What file systems take as one name. */
const MAX_NAME_BYTES = 255

/** Engine §1: what devices keep beside the files of a release, with its temporary form. */
const ENGINE_FILE = /^\.hotpatch\.json($|[./])/

export interface FilePathFault {
  rule: 'path' | 'path-length'
  /** What the path has, as "found …" goes on. */
  found: string
}

type Shape = readonly [pattern: RegExp, found: string]

const SHAPES: readonly Shape[] = [
  [/^$/, 'an empty name'],
  [/\\/, 'a backslash, which is a folder separator on Windows'],
  [/:/, 'a colon, which names drives and alternate streams on Windows'],
  [/["*<>?|]/, 'one of "*<>?|, which no name on Windows may have'],
  [/^\//, 'an absolute path'],
  [/(^|\/)\.\.(\/|$)/, '"..", which climbs out of the folder'],
  [/(^|\/)\.(\/|$)/, '"." as a folder'],
  [/\/(\/|$)/, 'an empty name'],
  // Windows drops them, so that two names become one.
  [/[. ](\/|$)/, 'a name that ends in a dot or a space'],
]

/** Windows opens a device under these names, whatever the folder, the case and what follows the first dot. */
const WINDOWS_DEVICE = /(^|\/)(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|\/|$)/

/**
 * Engine §4: why a path of a release is never made into a file; undefined when it is harmless on every platform.
 * A folder's path ends in a slash.
 */
export function filePathFault(path: string, maxBytes: number = MAX_FILE_PATH_BYTES): FilePathFault | undefined {
  const name = path.endsWith('/') ? path.slice(0, -1) : path
  const bytes = utf8Length(path)
  if (bytes > maxBytes) return tooLong(`a path of ${bytes} bytes, more than ${maxBytes}`)
  const found = unreadable(path) ?? shapeOf(name)
  if (found !== undefined) return { rule: 'path', found }
  const folded = foldFilePath(name)
  // Where ignorable characters count for nothing, what is left must be as harmless.
  const foundWithout = shapeOf(folded)
  if (foundWithout !== undefined) return { rule: 'path', found: `${foundWithout}, behind invisible characters` }
  if (WINDOWS_DEVICE.test(folded)) return { rule: 'path', found: 'the name of a device on Windows' }
  if (ENGINE_FILE.test(folded)) return { rule: 'path', found: '".hotpatch.json", which devices keep for themselves' }
  const isLong = name.split('/').some((segment) => utf8Length(segment) > MAX_NAME_BYTES)
  return isLong ? tooLong(`a name of more than ${MAX_NAME_BYTES} bytes`) : undefined
}

/**
 * Two paths that fold to the same are the same file somewhere: where case or composition does not count (Windows,
 * macOS, Android's shared storage), or where invisible characters do not (older Apple file systems, and people's eyes).
 */
export function foldFilePath(path: string): string {
  return withoutIgnorable(path).normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}

export interface FilePathConflict {
  path: string
  other: string
  kind: 'same-place' | 'inside-a-file'
}

/** The first two paths of which only one can be; folders end in a slash. */
export function findPathConflict(paths: Iterable<string>): FilePathConflict | undefined {
  const entries = [...paths].map((path) => {
    const isFolder = path.endsWith('/')
    // With a separator that sorts before everything else, what is inside a file follows directly after it.
    const key = foldFilePath(isFolder ? path.slice(0, -1) : path).replaceAll('/', '\0')
    return { path, isFolder, key }
  })
  entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  for (const [index, entry] of entries.entries()) {
    const next = entries[index + 1]
    if (next?.key === entry.key) return { path: next.path, other: entry.path, kind: 'same-place' }
    if (!entry.isFolder && next?.key.startsWith(`${entry.key}\0`)) {
      return { path: next.path, other: entry.path, kind: 'inside-a-file' }
    }
  }
  return undefined
}

function unreadable(path: string): string | undefined {
  if (!isWellFormed(path)) return 'half a character, of which every file system makes the same'
  return hasControlCharacter(path) ? 'a control character' : undefined
}

function shapeOf(path: string): string | undefined {
  return SHAPES.find(([pattern]) => pattern.test(path))?.[1]
}

function tooLong(found: string): FilePathFault {
  return { rule: 'path-length', found }
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return true
  }
  return false
}

/** Unicode's Default_Ignorable_Code_Point, written out: it must not depend on the engine's version of Unicode. */
const IGNORABLE: readonly (readonly [first: number, last: number])[] = [
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfff8],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
]

function withoutIgnorable(text: string): string {
  let kept = ''
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (!IGNORABLE.some(([first, last]) => point >= first && point <= last)) kept += character
  }
  return kept
}

function utf8Length(text: string): number {
  let length = 0
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return length
}
