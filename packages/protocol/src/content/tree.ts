import type { ManifestFile } from './files-manifest.ts'

const TREE_TYPE = 'hotpatch.tree.v1'

/**
 * Content §3.1: the text whose SHA-256 stands for what a zip unpacks to, whichever way a device comes by it.
 * @param files each once, at a path that `file-paths` allows
 */
export function writeTree(files: readonly Pick<ManifestFile, 'path' | 'sha256' | 'sizeBytes'>[]): string {
  const lines = files
    .toSorted((left, right) => (left.path < right.path ? -1 : 1))
    .map(({ path, sha256, sizeBytes }) => `${sha256} ${sizeBytes} ${path}\n`)
  return `${TREE_TYPE}\n${lines.join('')}`
}
