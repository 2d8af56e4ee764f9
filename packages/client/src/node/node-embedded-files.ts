import { lstat, readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import type { EmbeddedFilesPort } from '../ground/ports.ts'
import { createNodeFiles } from './node-files.ts'

/** What the app shipped with, in a folder. No link is followed. */
export function createNodeEmbeddedFiles(directory: string): EmbeddedFilesPort {
  const root = resolve(directory)
  const { readRange } = createNodeFiles(root)
  return {
    readRange,
    async list() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
      return Promise.all(
        paths.map(async (path) => ({
          path: relative(root, path).split(sep).join('/'),
          sizeBytes: (await lstat(path)).size,
        })),
      )
    },
  }
}
