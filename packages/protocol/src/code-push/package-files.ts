interface HashedFile {
  path: string
  sha256: string
}

/** Made by the system of whoever has packed it: clients leave it away, too. */
const IGNORED = /^__MACOSX\/|(?:^|\/)\.DS_Store$/
/** A signature over the rest. */
const SIGNATURE = /(?:^|\/)\.codepushrelease$/

/** Whether it is a file of the package at all. */
export function isPackaged(path: string): boolean {
  return !IGNORED.test(path)
}

/** Code Push §5: the text whose SHA-256 clients know a package by, whichever zip it comes in. */
export function writePackageFiles(files: readonly HashedFile[]): string {
  const entries = files
    .filter(({ path }) => isPackaged(path) && !SIGNATURE.test(path))
    .map(({ path, sha256 }) => `${path}:${sha256}`)
  // By UTF-16 code units, as every client sorts.
  return JSON.stringify(entries.sort())
}
