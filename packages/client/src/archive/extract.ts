import { hexFromBytes } from '@hotpatch/protocol'
import { Inflate } from 'fflate'
import { concat } from '../bytes.ts'
import type { Ports } from '../ports.ts'
import { writeMarker, type ReleaseFile } from '../release-tree.ts'
import { PENDING, PENDING_ZIP, SLOTS } from '../storage-layout.ts'
import type { InstalledRelease } from '../stored-state.ts'
import { UpdateError } from '../update-error.ts'
import { crc32 } from './crc32.ts'
import {
  readArchiveDirectory,
  readExactly,
  refuseArchive,
  viewOf,
  type ArchiveEntry,
  type ArchiveFile,
  type ArchiveLimits,
} from './read-directory.ts'

type ExtractPorts = Pick<Ports, 'files' | 'crypto'>

const LOCAL_SIGNATURE = 0x04034b50
const LOCAL_BYTES = 30
const HAS_DESCRIPTOR = 0x8
// Deflate grows at most 1032-fold, so this bounds what one step can put into memory to 16 MiB.
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
    const target = `${root}/${entry.path}`
    await files.makeDirectory(target.slice(0, target.lastIndexOf('/')))
    extracted.push(await extractEntry(ports, archive, entry, target))
  }
  for (const directory of directoriesOf(entries)) await files.syncDirectory(root + directory)
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

/** Each with a leading "/", deepest first; '' is the root itself. */
function directoriesOf(entries: readonly ArchiveEntry[]): string[] {
  const all = new Set([''])
  for (const { path } of entries) {
    const segments = path.split('/').slice(0, -1)
    segments.forEach((_, index) => all.add(`/${segments.slice(0, index + 1).join('/')}`))
  }
  return [...all].sort((a, b) => b.length - a.length)
}

async function extractEntry(
  { files, crypto }: ExtractPorts,
  archive: ArchiveFile,
  entry: ArchiveEntry,
  target: string,
): Promise<ReleaseFile> {
  const start = await dataOffset(archive, entry)
  const hasher = crypto.sha256()
  let [crc, seen, written] = [0, 0, 0]
  let held: Uint8Array[] = []
  const take = (bytes: Uint8Array) => {
    seen += bytes.length
    if (seen > entry.sizeBytes) refuseArchive(`${entry.path} is larger than it says`)
    crc = crc32(bytes, crc)
    hasher.update(bytes)
    held.push(bytes)
  }
  const unpacker = entry.isDeflated ? createInflater(entry, take) : { push: take, end: () => undefined }

  const flush = async () => {
    await files.append(target, written, concat(held))
    written = seen
    held = []
  }
  for (let at = 0; at < entry.packedBytes; at += READ_BYTES) {
    unpacker.push(await readExactly(archive, start + at, Math.min(READ_BYTES, entry.packedBytes - at)))
    if (seen - written >= WRITE_BYTES) await flush()
  }
  unpacker.end()
  if (seen !== entry.sizeBytes) refuseArchive(`${entry.path} is smaller than it says`)
  if (crc !== entry.crc) refuseArchive(`${entry.path} has another checksum than it says`)
  if (written === 0) {
    await files.write(target, concat(held))
  } else {
    await flush()
    await files.sync(target)
  }
  return { path: entry.path, sizeBytes: seen, sha256: hexFromBytes(await hasher.digest()) }
}

/** Both headers must name the same file, or two readers would see two different archives. */
async function dataOffset(archive: ArchiveFile, entry: ArchiveEntry): Promise<number> {
  const header = viewOf(await readExactly(archive, entry.headerOffset, LOCAL_BYTES))
  if (header.getUint32(0, true) !== LOCAL_SIGNATURE) refuseArchive(`${entry.path} is not where it should be`)
  const nameLength = header.getUint16(26, true)
  const name = await readExactly(archive, entry.headerOffset + LOCAL_BYTES, nameLength)
  const isSame =
    nameLength === entry.nameBytes.length &&
    name.every((byte, index) => byte === entry.nameBytes[index]) &&
    header.getUint16(8, true) === (entry.isDeflated ? 8 : 0)
  const hasSizes = (header.getUint16(6, true) & HAS_DESCRIPTOR) === 0
  if (!isSame || (hasSizes && header.getUint32(18, true) !== entry.packedBytes)) {
    refuseArchive(`${entry.path} is described in two different ways`)
  }
  return entry.headerOffset + LOCAL_BYTES + nameLength + header.getUint16(28, true)
}

function createInflater(entry: ArchiveEntry, take: (bytes: Uint8Array) => void) {
  let isFinished = false
  const inflate = new Inflate((bytes, isLast) => {
    if (bytes.length > 0) take(bytes)
    isFinished ||= isLast
  })
  const feed = (bytes: Uint8Array, isLast: boolean) => {
    try {
      inflate.push(bytes, isLast)
    } catch (cause) {
      if (cause instanceof UpdateError) throw cause
      throw new UpdateError('archive-invalid', `the archive is refused: ${entry.path} is damaged`, { cause })
    }
  }
  return {
    push: (bytes: Uint8Array) => feed(bytes, false),
    end: () => {
      feed(new Uint8Array(), true)
      if (!isFinished) refuseArchive(`${entry.path} ends too early`)
    },
  }
}
