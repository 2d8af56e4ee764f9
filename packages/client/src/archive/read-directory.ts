import { filePathFault, findPathConflict, textFromUtf8 } from '@hotpatch/protocol'
import { concat, type FilesPort } from '@hotpatch/device-ground'
import type { InstallLimits } from '../install/installer.ts'
import {
  COMPRESSION_LEVEL,
  DEFLATED,
  ENCRYPTION,
  HAS_DESCRIPTOR,
  IS_UTF8,
  refuseArchive,
  STORED,
  viewOf,
  type ArchiveEntry,
} from './archive-entry.ts'
import { checkExtraFields } from './extra-fields.ts'

export interface ArchiveFile {
  files: Pick<FilesPort, 'readRange'>
  path: string
  sizeBytes: number
}

interface Directory {
  offset: number
  sizeBytes: number
  count: number
}

const END_SIGNATURE = 0x06054b50
const END_BYTES = 22
const MAX_COMMENT = 0xffff
const ZIP64_LOCATOR = 0x07064b50
const ZIP64_LOCATOR_BYTES = 20

const ENTRY_SIGNATURE = 0x02014b50
const ENTRY_BYTES = 46
/** For extra fields and a comment, beside the path. */
const MAX_EXTRA_BYTES = 1024

const FILE_TYPE = 0o170000
const REGULAR = 0o100000
const FOLDER = 0o040000
const OWNER_EXECUTES = 0o100
const DOS_FOLDER = 0x10
const WINDOWS_REPARSE_POINT = 0x400

/**
 * Engine §4: the whole table of contents, judged before anything is unpacked.
 * @throws UpdateError 'archive-invalid'
 */
export async function readArchiveDirectory(archive: ArchiveFile, limits: InstallLimits): Promise<ArchiveEntry[]> {
  const directory = await findDirectory(archive)
  if (directory.count > limits.fileCount)
    refuseArchive(`it has ${directory.count} entries, allowed are ${limits.fileCount}`)
  const longest = directory.count * (ENTRY_BYTES + limits.pathBytes + MAX_EXTRA_BYTES)
  if (directory.sizeBytes > longest) refuseArchive('its table of contents is too long')
  const bytes = await readExactly(archive, directory.offset, directory.sizeBytes)
  const entries = parseEntries(bytes, directory.count, limits)
  judgeTogether(entries, limits)
  placeEntries(entries, directory)
  return entries
}

async function findDirectory(archive: ArchiveFile): Promise<Directory> {
  const length = Math.min(archive.sizeBytes, ZIP64_LOCATOR_BYTES + END_BYTES + MAX_COMMENT)
  const tail = viewOf(await readExactly(archive, archive.sizeBytes - length, length))
  // The last one, and no other: two readers must not find two different archives.
  let at = length - END_BYTES
  while (at >= 0 && tail.getUint32(at, true) !== END_SIGNATURE) at -= 1
  if (at < 0) refuseArchive('it is not a ZIP archive')
  if (at + END_BYTES + tail.getUint16(at + 20, true) !== length) refuseArchive('its end is not where it should be')
  const [here, count] = [tail.getUint16(at + 8, true), tail.getUint16(at + 10, true)]
  const [sizeBytes, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)]
  if (tail.getUint32(at + 4, true) !== 0 || here !== count) refuseArchive('it is split over several files')
  const hasLocator = at >= ZIP64_LOCATOR_BYTES && tail.getUint32(at - ZIP64_LOCATOR_BYTES, true) === ZIP64_LOCATOR
  if (hasLocator || count === 0xffff || sizeBytes === 0xffffffff || offset === 0xffffffff) {
    refuseArchive('ZIP64 is not supported')
  }
  if (offset + sizeBytes !== archive.sizeBytes - length + at)
    refuseArchive('its table of contents is not where it should be')
  return { offset, sizeBytes, count }
}

function parseEntries(bytes: Uint8Array, count: number, limits: InstallLimits): ArchiveEntry[] {
  const view = viewOf(bytes)
  const entries: ArchiveEntry[] = []
  let at = 0
  for (let index = 0; index < count; index += 1) {
    if (at + ENTRY_BYTES > bytes.length || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      refuseArchive('its table of contents is torn')
    }
    const nameEnd = at + ENTRY_BYTES + view.getUint16(at + 28, true)
    const extraEnd = nameEnd + view.getUint16(at + 30, true)
    const end = extraEnd + view.getUint16(at + 32, true)
    if (end > bytes.length) refuseArchive('its table of contents is torn')
    const nameBytes = bytes.subarray(at + ENTRY_BYTES, nameEnd)
    const path = textFromUtf8(nameBytes) ?? refuseArchive('it has a name that is not UTF-8')
    const attributes = view.getUint32(at + 38, true)
    const isFolder = path.endsWith('/')
    const entry: ArchiveEntry = {
      path,
      isFolder,
      isExecutable: !isFolder && isExecutableMode(attributes >>> 16),
      nameBytes,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      sizeBytes: view.getUint32(at + 24, true),
      headerOffset: view.getUint32(at + 42, true),
      end: 0,
    }
    judgeEntry(entry, attributes, limits)
    checkExtraFields(path, nameBytes, bytes.subarray(nameEnd, extraEnd))
    entries.push(entry)
    at = end
  }
  if (at !== bytes.length) refuseArchive('its table of contents has something after the last entry')
  return entries
}

/** Of a mode that says no type, nobody knows whether it is one. */
function isExecutableMode(mode: number): boolean {
  return (mode & FILE_TYPE) === REGULAR && (mode & OWNER_EXECUTES) !== 0
}

function judgeEntry(entry: ArchiveEntry, attributes: number, limits: InstallLimits): void {
  const { path, isFolder, flags, method, nameBytes } = entry
  const fault = filePathFault(path, limits.pathBytes)
  if (fault) refuseArchive(`a path has ${fault.found}: ${JSON.stringify(path.slice(0, 200))}`)
  // Without the flag it is anyone's guess in which encoding a name is.
  if (path.length !== nameBytes.length && !(flags & IS_UTF8))
    refuseArchive('it has a name that is not UTF-8 as it says')
  if (flags & ENCRYPTION) refuseArchive(`${path} is encrypted`)
  if (flags & ~(HAS_DESCRIPTOR | IS_UTF8 | COMPRESSION_LEVEL)) refuseArchive(`${path} needs special features`)
  if (method !== STORED && method !== DEFLATED) refuseArchive(`${path} is packed with method ${method}`)
  // A reader that unpacks while it downloads cannot find the end of such an entry.
  if (method === STORED && flags & HAS_DESCRIPTOR) refuseArchive(`${path} is stored without saying its size first`)
  const type = (attributes >>> 16) & FILE_TYPE
  const isOther = attributes & (isFolder ? WINDOWS_REPARSE_POINT : WINDOWS_REPARSE_POINT | DOS_FOLDER)
  if (isOther || (type !== 0 && type !== (isFolder ? FOLDER : REGULAR))) {
    refuseArchive(`${path} is a link or a device, or not of the kind that its name says`)
  }
  if (isFolder && entry.sizeBytes > 0) refuseArchive(`${path} is a directory with content`)
}

function judgeTogether(entries: readonly ArchiveEntry[], limits: InstallLimits): void {
  const conflict = findPathConflict(entries.map(({ path }) => path))
  if (conflict) refuseArchive(`of ${conflict.path} and ${conflict.other} only one can be`)
  if (entries.every(({ isFolder }) => isFolder)) refuseArchive('it has no files')
  const unpacked = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  if (unpacked > limits.unpackedBytes)
    refuseArchive(`unpacked it has ${unpacked} bytes, allowed are ${limits.unpackedBytes}`)
}

/**
 * The archive is one chain of entries from its first byte to the table of contents. Entries that share bytes would
 * unpack to far more than the archive's size suggests; bytes of no entry would be files to other readers.
 */
function placeEntries(entries: readonly ArchiveEntry[], directory: Directory): void {
  const sorted = [...entries].sort((a, b) => a.headerOffset - b.headerOffset)
  if (sorted[0]?.headerOffset !== 0) refuseArchive('something is before its first entry')
  for (const [index, entry] of sorted.entries()) entry.end = sorted[index + 1]?.headerOffset ?? directory.offset
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
