import { expectRoom } from '../ground/room.ts'
import { finishTree } from '../install/finish-tree.ts'
import type { Installation, Installer, InstallLimits, VerifiedDownload } from '../install/installer.ts'
import { SLOTS } from '../state/storage-layout.ts'
import type { ReleaseFile } from '../state/release-tree.ts'
import { extractInto, type UnpackingPorts } from './extract.ts'
import { readArchiveDirectory } from './read-directory.ts'

/** Content §3: one zip. */
export const archiveInstaller: Installer = {
  kind: 'archive',
  maxBytes: ({ bundleBytes }) => bundleBytes,
  async install(installation) {
    await installArchive(installation)
    return { receivedBytes: 0 }
  },
}

export async function installArchive({
  ports,
  settings: { limits },
  download,
  release,
  makeWay,
}: Installation): Promise<void> {
  const { files } = ports
  const opened = await openArchive(ports, download, limits)
  await expectRoom(files, opened.unpackedBytes, 'unpacked the bundle')
  await makeWay()
  const root = SLOTS.pending
  await files.remove(root)
  await files.makeDirectory(root)
  const written = await opened.writeTo(root)
  await finishTree(files, root, { release, files: written })
}

/** What is about to be unpacked, after everything that it says of itself was judged. */
export interface OpenArchive {
  unpackedBytes: number
  /** The files that are to be executable. Whoever wants them so makes them: devices execute nothing of it. */
  executables: readonly string[]
  /** Writes every file below an empty folder, and makes each durable. Its folders are the caller's to sync. */
  writeTo(root: string): Promise<ReleaseFile[]>
}

/** @throws UpdateError 'archive-invalid' */
export async function openArchive(
  ports: UnpackingPorts,
  download: VerifiedDownload,
  limits: InstallLimits,
): Promise<OpenArchive> {
  const archive = { files: ports.files, ...download }
  const entries = await readArchiveDirectory(archive, limits)
  return {
    unpackedBytes: entries.reduce((sum, entry) => sum + entry.sizeBytes, 0),
    executables: entries.filter(({ isExecutable }) => isExecutable).map(({ path }) => path),
    writeTo: (root) => extractInto(ports, archive, entries, root),
  }
}
