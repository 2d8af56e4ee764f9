import type { ManifestFile } from './files-manifest.ts'

/** A file of a tree: where it is, and what. */
export type TreeFile = Pick<ManifestFile, 'path' | 'sha256' | 'sizeBytes'>

/**
 * Patches §4: the text whose SHA-256 stands for files by path, whichever way somebody comes by them. Equal exactly when
 * paths and bytes are.
 * @param files each once, at a path that `file-paths` allows
 */
export function writeTree(files: readonly TreeFile[]): string {
  return treeLines(files).join('')
}

/** The same, piece by piece: it may be long. */
export function treeLines(files: readonly TreeFile[]): string[] {
  return inTreeOrder(files).map(({ path, sha256, sizeBytes }) => `${sha256} ${sizeBytes} ${path}\n`)
}

/** The digest of no files: the base of a patch that needs none. */
export const EMPTY_TREE = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** A copy, in the order of Patches §4. */
export function inTreeOrder<File extends { path: string }>(files: readonly File[]): File[] {
  // Not every device's engine has toSorted.
  return [...files].sort(comparePaths)
}

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
