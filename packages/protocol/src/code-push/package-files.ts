/** A file of a package, and the lower-case hex SHA-256 of it. */
interface HashedFile {
  path: string
  sha256: string
}

/** At the root: clients take it for a package of what changed since what they have, and remove what it lists (Code Push §6). */
export const CHANGES_MANIFEST = 'hotcodepush.json'

/** Where clients look for the signature over the rest (Code Push §5). */
export const PACKAGE_SIGNATURE = 'CodePush/.codepushrelease'

/** Made by the system of whoever has packed it: clients leave it away, too. */
const IGNORED = /^__MACOSX\/|(?:^|\/)\.DS_Store$/
const SIGNATURE = /(?:^|\/)\.codepushrelease$/

/** Whether it is a file of the package at all. */
export function isPackaged(path: string): boolean {
  return !IGNORED.test(path)
}

export function isPackageSignature(path: string): boolean {
  return SIGNATURE.test(path)
}

/** Code Push §5: the text whose SHA-256 clients know a package by, whichever zip it comes in. */
export function writePackageFiles(files: readonly HashedFile[]): string {
  const entries = files
    .filter(({ path }) => isPackaged(path) && !isPackageSignature(path))
    .map(({ path, sha256 }) => `${path}:${sha256}`)
  // By UTF-16 code units, as every client sorts.
  return JSON.stringify(entries.sort())
}
