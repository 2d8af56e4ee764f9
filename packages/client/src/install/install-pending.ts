import { UpdateError } from '../ground/update-error.ts'
import { writeMarker, type ReleaseFile } from '../state/release-tree.ts'
import { PENDING, PENDING_ZIP, SLOTS } from '../state/storage-layout.ts'
import type { InstalledRelease } from '../state/stored-state.ts'
import type { Installer, InstallLimits, InstallPorts } from './installer.ts'

/**
 * Engine §4: makes ota/pending/files out of the verified download and marks it as this release, in such an order that
 * the marker is there only when everything else is durable.
 */
export async function installPending(
  ports: InstallPorts,
  { installer, release, sizeBytes }: { installer: Installer; release: InstalledRelease; sizeBytes: number },
  limits: InstallLimits,
): Promise<void> {
  const { files } = ports
  const opened = await installer.open(ports, { path: PENDING_ZIP, sizeBytes }, limits)
  await expectRoom(ports, opened.unpackedBytes)
  const root = SLOTS.pending
  await files.remove(root)
  await files.makeDirectory(root)
  const written = await opened.writeTo(root)
  for (const directory of directoriesOf(written)) await files.syncDirectory(root + directory)
  await files.syncDirectory(PENDING)
  await writeMarker(files, 'pending', { release, files: written })
}

async function expectRoom({ files }: InstallPorts, needed: number): Promise<void> {
  const free = await files.freeBytes?.()
  if (free !== undefined && free < needed) {
    throw new UpdateError('storage-full', `${free} bytes are free, unpacked the bundle has ${needed}`)
  }
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
