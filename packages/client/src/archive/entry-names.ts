import { utf8FromText } from '../bytes.ts'
import { MARKER } from '../storage-layout.ts'

const MAX_NAME_BYTES = 255

const FORBIDDEN: readonly (readonly [pattern: RegExp, found: string])[] = [
  [/\p{Cc}/u, 'has a control character'],
  [/\\/, 'has a backslash'],
  [/^\//, 'is absolute'],
  [/:/, 'has a colon, which names drives and alternate streams'],
  [/(^|\/)\.{0,2}(\/|$)/, 'climbs or is not plain'],
  // Windows drops them, so that two names become one.
  [/[. ](\/|$)/, 'has a name that ends in a dot or a space'],
]

/** Why a path from an archive is never made into a file; undefined when it is harmless on every platform. */
export function nameProblem(path: string): string | undefined {
  const fault = FORBIDDEN.find(([pattern]) => pattern.test(path))
  if (fault) return fault[1]
  if (path.split('/').some((name) => utf8FromText(name).length > MAX_NAME_BYTES)) return 'has a name that is too long'
  // The engine's own file would otherwise be the archive's, or a folder of the archive in its place.
  const first = nameKey(path).split('/', 1)[0] ?? ''
  return first === MARKER || first.startsWith(`${MARKER}.`) ? 'is reserved' : undefined
}

/** Two paths with the same key are the same file on some file system. */
export function nameKey(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}
