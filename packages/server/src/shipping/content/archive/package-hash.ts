import { createHash } from 'node:crypto'

interface HashedFile {
  path: string
  sha256: string
}

/** Made by the system of whoever has packed it: clients leave it away, too. */
const IGNORED = /^__MACOSX\/|(?:^|\/)\.DS_Store$/
/** A signature over the rest. */
const SIGNATURE = /(?:^|\/)\.codepushrelease$/

/** At its root: clients take it for a package of what changed since what they have, and remove what it lists (Code Push §6). */
export const CHANGES_MANIFEST = 'hotcodepush.json'

/** Whether it is a file of the package at all. */
export function isPackaged(path: string): boolean {
  return !IGNORED.test(path)
}

/** Code Push §5: what clients know a package by, whichever zip it comes in. */
export function packageHashOf(files: readonly HashedFile[]): string {
  const entries = files
    .filter(({ path }) => isPackaged(path) && !SIGNATURE.test(path))
    .map(({ path, sha256 }) => `${path}:${sha256}`)
  // By UTF-16 code units, as every client sorts.
  return createHash('sha256').update(JSON.stringify(entries.sort())).digest('hex')
}
