import { filePathFault, findPathConflict } from '@hotpatch/protocol'
import { concat, textFromUtf8 } from '../bytes.ts'
import type { FilesPort } from '../ports.ts'
import type { Limits } from '../settings.ts'
import { UpdateError } from '../update-error.ts'

export interface ArchiveEntry {
  path: string
  isDeflated: boolean
  crc: number
  packedBytes: number
  sizeBytes: number
  /** Of the local header. */
  headerOffset: number
  nameBytes: Uint8Array
}

export interface ArchiveFile {
  files: Pick<FilesPort, 'readRange'>
  path: string
  sizeBytes: number
}

export type ArchiveLimits = Pick<Limits, 'unpackedBytes' | 'fileCount' | 'pathBytes'>

interface Directory {
  offset: number
  sizeBytes: number
  count: number
}

const END_SIGNATURE = 0x06054b50
const ENTRY_SIGNATURE = 0x02014b50
const END_BYTES = 22
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30
const MAX_COMMENT = 0xffff
const ENCRYPTED = 0x1 | 0x40 | 0x2000
const FILE_TYPE = 0o170000
const REGULAR = 0o100000
const FOLDER = 0o040000

/**
 * Engine §4: the whole table of contents, judged before anything is unpacked. Directories are left out: they come
 * into being with their files.
 * @throws UpdateError 'archive-invalid'
 */
export async function readArchiveDirectory(archive: ArchiveFile, limits: ArchiveLimits): Promise<ArchiveEntry[]> {
  const directory = await findDirectory(archive)
  if (directory.count > limits.fileCount)
    refuseArchive(`it has ${directory.count} entries, allowed are ${limits.fileCount}`)
  const longest = directory.count * (ENTRY_BYTES + limits.pathBytes + 1024)
  if (directory.sizeBytes > longest) refuseArchive('its table of contents is too long')
  const bytes = await readExactly(archive, directory.offset, directory.sizeBytes)
  const entries = parseEntries(bytes, directory.count)
  for (const entry of entries) judgeEntry(entry, limits)
  const files = entries.filter((entry) => !entry.path.endsWith('/'))
  judgeTogether(entries, files, directory, limits)
  return files
}

async function findDirectory(archive: ArchiveFile): Promise<Directory> {
  const length = Math.min(archive.sizeBytes, END_BYTES + MAX_COMMENT)
  const tail = await readExactly(archive, archive.sizeBytes - length, length)
  const view = viewOf(tail)
  for (let at = length - END_BYTES; at >= 0; at -= 1) {
    // The comment must reach exactly to the end: otherwise two readers could find two different archives.
    if (view.getUint32(at, true) !== END_SIGNATURE || at + END_BYTES + view.getUint16(at + 20, true) !== length)
      continue
    const [disk, firstDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)]
    const [here, count] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
    const [sizeBytes, offset] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)]
    if (disk !== 0 || firstDisk !== 0 || here !== count) refuseArchive('it is split over several files')
    if (count === 0xffff || offset === 0xffffffff) refuseArchive('ZIP64 is not supported')
    if (offset + sizeBytes !== archive.sizeBytes - length + at)
      refuseArchive('its table of contents is not where it should be')
    return { offset, sizeBytes, count }
  }
  return refuseArchive('it is not a ZIP archive')
}

interface DirectoryEntry extends ArchiveEntry {
  flags: number
  method: number
  mode: number
}

function parseEntries(bytes: Uint8Array, count: number): DirectoryEntry[] {
  const view = viewOf(bytes)
  const entries: DirectoryEntry[] = []
  let at = 0
  for (let index = 0; index < count; index += 1) {
    if (at + ENTRY_BYTES > bytes.length || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      refuseArchive('its table of contents is torn')
    }
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ]
    const nameBytes = bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength)
    const method = view.getUint16(at + 10, true)
    entries.push({
      path: textFromUtf8(nameBytes) ?? refuseArchive('it has a name that is not UTF-8'),
      nameBytes,
      flags: view.getUint16(at + 8, true),
      method,
      isDeflated: method === 8,
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      sizeBytes: view.getUint32(at + 24, true),
      mode: view.getUint16(at + 40, true),
      headerOffset: view.getUint32(at + 42, true),
    })
    at += ENTRY_BYTES + nameLength + extra + comment
  }
  if (at !== bytes.length) refuseArchive('its table of contents has something after the last entry')
  return entries
}

function judgeEntry(entry: DirectoryEntry, limits: ArchiveLimits): void {
  const isFolder = entry.path.endsWith('/')
  const fault = filePathFault(entry.path, limits.pathBytes)
  const type = entry.mode & FILE_TYPE
  if (fault) refuseArchive(`a path has ${fault.found}: ${JSON.stringify(entry.path.slice(0, 200))}`)
  if (entry.flags & ENCRYPTED) refuseArchive(`${entry.path} is encrypted`)
  if (entry.method !== 0 && entry.method !== 8) refuseArchive(`${entry.path} is packed with method ${entry.method}`)
  if (type !== 0 && type !== (isFolder ? FOLDER : REGULAR)) refuseArchive(`${entry.path} is a link or a device`)
  if (isFolder && entry.sizeBytes > 0) refuseArchive(`${entry.path} is a directory with content`)
  if (!entry.isDeflated && entry.packedBytes !== entry.sizeBytes) refuseArchive(`${entry.path} lies about its size`)
}

function judgeTogether(
  entries: readonly ArchiveEntry[],
  files: readonly ArchiveEntry[],
  directory: Directory,
  limits: ArchiveLimits,
): void {
  if (files.length === 0) refuseArchive('it has no files')
  const unpacked = files.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  if (unpacked > limits.unpackedBytes)
    refuseArchive(`unpacked it has ${unpacked} bytes, allowed are ${limits.unpackedBytes}`)

  const conflict = findPathConflict(entries.map(({ path }) => path))
  if (conflict) refuseArchive(`of ${conflict.path} and ${conflict.other} only one can be`)
  // Entries that share bytes unpack to far more than the archive's size suggests.
  let end = 0
  for (const entry of [...entries].sort((a, b) => a.headerOffset - b.headerOffset)) {
    if (entry.headerOffset < end) refuseArchive(`${entry.path} overlaps another entry`)
    end = entry.headerOffset + LOCAL_BYTES + entry.nameBytes.length + entry.packedBytes
  }
  if (end > directory.offset) refuseArchive('an entry reaches into the table of contents')
}

export async function readExactly(archive: ArchiveFile, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0 || offset + length > archive.sizeBytes) refuseArchive('it points outside itself')
  const chunks: Uint8Array[] = []
  for (let at = 0; at < length;) {
    const chunk = await archive.files.readRange(archive.path, offset + at, length - at)
    if (chunk.length === 0) refuseArchive('it ends too early')
    chunks.push(chunk)
    at += chunk.length
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : concat(chunks)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function refuseArchive(message: string): never {
  throw new UpdateError('archive-invalid', `the archive is refused: ${message}`)
}
