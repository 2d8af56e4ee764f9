import { hexFromBytes } from '@hotpatch/protocol'
import { concat, type CryptoPort, type FilesPort } from '@hotpatch/device-ground'
import type { ReleaseFile } from '../state/release-tree.ts'
import { DEFLATED, refuseArchive, type ArchiveEntry } from './archive-entry.ts'
import { crc32 } from './crc32.ts'
import { findContent } from './entry-content.ts'
import { createInflater } from './inflate.ts'
import { readExactly, type ArchiveFile } from './read-directory.ts'

const READ_BYTES = 16 * 1024
const WRITE_BYTES = 256 * 1024

export interface UnpackingPorts {
  files: FilesPort
  crypto: Pick<CryptoPort, 'sha256'>
}

/** Every file of the archive, below a folder that is there and empty. */
export async function extractInto(
  ports: UnpackingPorts,
  archive: ArchiveFile,
  entries: readonly ArchiveEntry[],
  root: string,
): Promise<ReleaseFile[]> {
  const extracted: ReleaseFile[] = []
  for (const entry of entries) {
    if (entry.isFolder) {
      // Folders come into being with their files. Nothing may hide in what is said of them.
      await readEntry(archive, entry, { take: () => undefined })
      continue
    }
    const target = `${root}/${entry.path}`
    await ports.files.makeDirectory(target.slice(0, target.lastIndexOf('/')))
    extracted.push(await extractEntry(ports, archive, entry, target))
  }
  return extracted
}

async function extractEntry(
  { files, crypto }: UnpackingPorts,
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
