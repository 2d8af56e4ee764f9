import { createHash } from 'node:crypto'
import type { ManifestFile } from '@hotpatch/protocol'
import type { UnpackedFile } from './archive-contents.ts'

/** Digests of an archive's files, taken while they are checked: nothing is kept of them. */
export function createHashing() {
  const files: ManifestFile[] = []

  async function open(path: string): Promise<UnpackedFile> {
    const hash = createHash('sha256')
    let sizeBytes = 0
    return {
      async write(chunk) {
        hash.update(chunk)
        sizeBytes += chunk.length
      },
      async end() {
        files.push({ path, sha256: hash.digest('hex'), sizeBytes })
      },
    }
  }

  return { open, files: files as readonly ManifestFile[] }
}
