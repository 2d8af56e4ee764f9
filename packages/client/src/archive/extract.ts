import { hexFromBytes } from '@hotpatch/protocol'
import { concat } from '../ground/bytes.ts'
import type { Ports } from '../ground/ports.ts'
import { writeMarker, type ReleaseFile } from '../state/release-tree.ts'
import { PENDING, PENDING_ZIP, SLOTS } from '../state/storage-layout.ts'
import type { InstalledRelease } from '../state/stored-state.ts'
import { UpdateError } from '../ground/update-error.ts'
import { DEFLATED, refuseArchive, type ArchiveEntry } from './archive-entry.ts'
import { crc32 } from './crc32.ts'
import { findContent } from './entry-content.ts'
import { createInflater } from './inflate.ts'
import { readArchiveDirectory, readExactly, type ArchiveFile, type ArchiveLimits } from './read-directory.ts'

type ExtractPorts = Pick<Ports, 'files' | 'crypto'>

const READ_BYTES = 16 * 1024
const WRITE_BYTES = 256 * 1024

/**
 * Engine §4: unpacks the verified ota/pending/bundle.zip into ota/pending/files and marks it as this release,
 * in such an order that the marker is there only when everything else is durable.
 */
export async function extractPending(
  ports: ExtractPorts,
  release: InstalledRelease,
  zipBytes: number,
  limits: ArchiveLimits,
): Promise<void> {
  const { files } = ports
  const archive = { files, path: PENDING_ZIP, sizeBytes: zipBytes }
  const entries = await readArchiveDirectory(archive, limits)
  await expectRoom(ports, entries)
  const root = SLOTS.pending
  await files.remove(root)
  await files.makeDirectory(root)
  const extracted: ReleaseFile[] = []
  for (const entry of entries) {
    if (entry.isFolder) {
      // Folders come into being with their files. Nothing may hide in what is said of them.
      await readEntry(archive, entry, { take: () => undefined })
      continue
    }
    const target = `${root}/${entry.path}`
    await files.makeDirectory(target.slice(0, target.lastIndexOf('/')))
    extracted.push(await extractEntry(ports, archive, entry, target))
  }
  for (const directory of directoriesOf(extracted)) await files.syncDirectory(root + directory)
  await files.syncDirectory(PENDING)
  await writeMarker(files, 'pending', { release, files: extracted })
}

async function expectRoom({ files }: ExtractPorts, entries: readonly ArchiveEntry[]): Promise<void> {
  const needed = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  const free = await files.freeBytes?.()
  if (free !== undefined && free < needed) {
    throw new UpdateError('storage-full', `${free} bytes are free, unpacked the bundle has ${needed}`)
  }
}

/** Of everything that was extracted: each with a leading "/", deepest first; '' is the root itself. */
function directoriesOf(extracted: readonly ReleaseFile[]): string[] {
  const all = new Set([''])
  for (const { path } of extracted) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const directory = `/${path.slice(0, end)}`
      if (all.has(directory)) break
      all.add(directory)
    }
  }
  return [...all].sort((a, b) => b.length - a.length)
}

async function extractEntry(
  { files, crypto }: ExtractPorts,
  archive: ArchiveFile,
  entry: ArchiveEntry,
  target: string,
): Promise<ReleaseFile> {
  const hasher = crypto.sha256()
  let [seen, written] = [0, 0]
  let held: Uint8Array[] = []
  const take = (bytes: Uint8Array) => {
    seen += bytes.length
    hasher.update(bytes)
    held.push(bytes)
  }
  const flush = async () => {
    await files.append(target, written, concat(held))
    written = seen
    held = []
  }
  await readEntry(archive, entry, { take, pause: async () => (seen - written >= WRITE_BYTES ? flush() : undefined) })
  if (written === 0) {
    await files.write(target, concat(held))
  } else {
    await flush()
    await files.sync(target)
  }
  return { path: entry.path, sizeBytes: seen, sha256: hexFromBytes(await hasher.digest()) }
}

/** Every byte of an entry's content goes to `take`; `pause` is awaited between what is read. Refuses what is not as it says. */
async function readEntry(
  archive: ArchiveFile,
  entry: ArchiveEntry,
  { take, pause }: { take: (bytes: Uint8Array) => void; pause?: () => Promise<void> },
): Promise<void> {
  const start = await findContent(archive, entry)
  let [crc, seen] = [0, 0]
  const measure = (bytes: Uint8Array) => {
    seen += bytes.length
    if (seen > entry.sizeBytes) refuseArchive(`${entry.path} is larger than it says`)
    crc = crc32(bytes, crc)
    take(bytes)
  }
  const isDeflated = entry.method === DEFLATED
  const unpacker = isDeflated ? createInflater(entry.path, measure) : { push: measure, end: () => undefined }
  for (let at = 0; at < entry.packedBytes; at += READ_BYTES) {
    unpacker.push(await readExactly(archive, start + at, Math.min(READ_BYTES, entry.packedBytes - at)))
    await pause?.()
  }
  unpacker.end()
  if (seen !== entry.sizeBytes) refuseArchive(`${entry.path} is smaller than it says`)
  if (crc !== entry.crc) refuseArchive(`${entry.path} has another checksum than it says`)
}
