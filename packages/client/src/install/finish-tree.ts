import type { FilesPort } from '@hotpatch/device-ground'
import { writeMarker, type ReleaseFile, type ReleaseMarker } from '../state/release-tree.ts'
import { PENDING, PENDING_TREE, SLOTS } from '../state/storage-layout.ts'

/** Engine §1: marks a tree as this release, when all its files are durable, and only after its folders are, too. */
export async function finishTree(files: FilesPort, root: string, marker: ReleaseMarker): Promise<void> {
  for (const directory of directoriesOf(marker.files)) await files.syncDirectory(root + directory)
  await files.syncDirectory(PENDING)
  await writeMarker(files, root, marker)
}

/** What was made in ota/pending/tree, file by file, becomes what is staged. */
export async function takeTree(files: FilesPort, marker: ReleaseMarker, makeWay: () => Promise<void>): Promise<void> {
  await finishTree(files, PENDING_TREE, marker)
  // Until here what was staged could still be started.
  await makeWay()
  await files.remove(SLOTS.pending)
  await files.rename(PENDING_TREE, SLOTS.pending)
  await files.syncDirectory(PENDING)
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
