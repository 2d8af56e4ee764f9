import type { FilesPort } from '@hotpatch/device-ground'
import { writeMarker, type ReleaseFile, type ReleaseMarker } from '../state/release-tree.ts'
import { PENDING } from '../state/storage-layout.ts'

/** Engine §1: marks a tree as this release, when all its files are durable, and only after its folders are, too. */
export async function finishTree(files: FilesPort, root: string, marker: ReleaseMarker): Promise<void> {
  for (const directory of directoriesOf(marker.files)) await files.syncDirectory(root + directory)
  await files.syncDirectory(PENDING)
  await writeMarker(files, root, marker)
}

/** Of everything that was written: each with a leading "/", deepest first; '' is the root itself. */
function directoriesOf(written: readonly ReleaseFile[]): string[] {
  const all = new Set([''])
  for (const { path } of written) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const directory = `/${path.slice(0, end)}`
      if (all.has(directory)) break
      all.add(directory)
    }
  }
  return [...all].sort((a, b) => b.length - a.length)
}
