import { filePathFault, findPathConflict } from '@hotpatch/protocol'
import { digestOf, type Sha256 } from '../ground/digest.ts'
import { utf8FromText } from '../ground/utf8.ts'

/** A file of a release, such as a device keeps them in its list. */
export interface TreeFile {
  path: string
  sizeBytes: number
  /** In lower-case hex. */
  sha256: string
}

/** Patches §4: a list with as many files as a release may have. */
export const MAX_FILES = 20_000

/** Patches §4: by the bytes of the paths' UTF-8, which is the order of the characters, and not that of UTF-16. */
export function comparePaths({ path: a }: { path: string }, { path: b }: { path: string }): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)]
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Characters that take two units come after those that take one. */
function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit
}

/** A copy, in that order. */
export function inOrder<File extends { path: string }>(files: readonly File[]): File[] {
  // Not every device's engine has toSorted.
  return [...files].sort(comparePaths)
}

/** Patches §4: of whole trees. Equal exactly when paths and bytes are. */
export function treeDigest(files: readonly TreeFile[], sha256: Sha256): Promise<string> {
  const lines = inOrder(files).map(({ path, sizeBytes, sha256 }) => `${sha256} ${sizeBytes} ${path}\n`)
  return digestOf(sha256, concat(lines.map(utf8FromText)))
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** Why files cannot be a tree, wherever they are written; undefined when they can. */
export function treeFault(files: readonly TreeFile[]): string | undefined {
  for (const { path } of files) {
    const fault = path.endsWith('/') ? { found: "a folder's path" } : filePathFault(path)
    if (fault) return `${fault.found} in ${JSON.stringify(path.slice(0, 200))}`
  }
  const conflict = findPathConflict(files.map(({ path }) => path))
  return conflict && `${JSON.stringify(conflict.path)} beside ${JSON.stringify(conflict.other)}`
}
