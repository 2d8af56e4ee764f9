import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { readDirectory, refusal, zip64Refusal, type DirectoryLimits } from '@hotpatch/binary-files/zip'
import type { Entry, ExtraField } from 'yauzl'
import { checkPath } from './archive-paths.ts'

export interface ArchiveEntry {
  path: string
  isFolder: boolean
  flags: number
  method: number
  crc32: number
  packedBytes: number
  unpackedBytes: number
  headerOffset: number
}

export const STORED = 0
export const DEFLATED = 8
/** The sizes follow the content, because the writer did not know them before. */
export const HAS_DESCRIPTOR = 0x8
const IS_UTF8 = 0x800
/** How hard the writer tried; means nothing to a reader. */
export const COMPRESSION_LEVEL = 0x6
const ENCRYPTION = 0x2041

const EXTRA_ZIP64 = 0x0001
const EXTRA_UNICODE_PATH = 0x7075
/** PKWARE's and ASi's Unix fields can carry the target of a link. */
const EXTRA_LINKS = [0x000d, 0x756e]

/** Reads what the archive says about itself. Whether it is true, the contents tell (archive-contents.ts). */
export function readArchiveDirectory(handle: FileHandle, limits: DirectoryLimits) {
  return readDirectory(handle, limits, (entry) => {
    const read = readEntry(entry)
    // At once: collected names of 64 KiB each would fill the memory.
    checkPath(read.path, limits.maxPathBytes)
    return read
  })
}

function readEntry(entry: Entry): ArchiveEntry {
  const path = readPath(entry)
  const flags = entry.generalPurposeBitFlag
  const isFolder = path.endsWith('/')
  if (flags & ENCRYPTION) throw refusal('encrypted', 'Expected plain content, found an encrypted entry.', path)
  if (flags & ~(HAS_DESCRIPTOR | IS_UTF8 | COMPRESSION_LEVEL)) {
    throw refusal('method', `Expected no special features, found the flags 0x${flags.toString(16)}.`, path)
  }
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw refusal('method', `Expected stored or deflated content, found method ${entry.compressionMethod}.`, path)
  }
  if (entry.compressionMethod === STORED && flags & HAS_DESCRIPTOR) {
    // A reader that unpacks while it downloads, as java.util.zip.ZipInputStream does, cannot find the end of such an entry.
    throw refusal('method', 'Expected a stored entry to have its size before its content.', path)
  }
  checkKind(path, isFolder, entry)
  return {
    path,
    isFolder,
    flags,
    method: entry.compressionMethod,
    crc32: entry.crc32,
    packedBytes: entry.compressedSize,
    unpackedBytes: entry.uncompressedSize,
    headerOffset: entry.relativeOffsetOfLocalHeader,
  }
}

function readPath(entry: Entry): string {
  const name = entry.fileNameRaw
  const path = name.toString('utf8')
  const isAscii = name.length === path.length
  // Without the flag it is anyone's guess in which encoding a name is: readers would unpack different names.
  if (!isUtf8(name) || (!isAscii && !(entry.generalPurposeBitFlag & IS_UTF8))) {
    throw refusal('name-encoding', 'Expected a name in ASCII, or in UTF-8 with the flag that says so (bit 11).', path)
  }
  checkExtraFields(path, name, entry.extraFields)
  return path
}

/** Extra fields must not tell some readers another name, size or kind than the entry itself tells the others. */
export function checkExtraFields(path: string, name: Buffer, fields: readonly ExtraField[]): void {
  if (fields.some(({ id }) => id === EXTRA_ZIP64)) throw zip64Refusal(path)
  if (fields.some(({ id }) => EXTRA_LINKS.includes(id))) {
    throw refusal('special-file', 'Expected a plain file, found a field that can make it a link.', path)
  }
  const otherName = fields.find(({ id, data }) => id === EXTRA_UNICODE_PATH && !data.subarray(5).equals(name))
  if (otherName) throw refusal('header-mismatch', 'Expected one name, found another one in an extra field.', path)
}

const UNIX_KIND = 0o170000
const UNIX_FILE = 0o100000
const UNIX_FOLDER = 0o040000
const DOS_FOLDER = 0x10
const WINDOWS_REPARSE_POINT = 0x400

function checkKind(path: string, isFolder: boolean, entry: Entry): void {
  const attributes = entry.externalFileAttributes
  const mode = attributes >>> 16
  const expected = isFolder ? 'a plain folder' : 'a plain file'
  const hasOtherKind = ![0, isFolder ? UNIX_FOLDER : UNIX_FILE].includes(mode & UNIX_KIND)
  if (hasOtherKind) throw refusal('special-file', `Expected ${expected}, found the mode ${mode.toString(8)}.`, path)
  if (attributes & WINDOWS_REPARSE_POINT || (!isFolder && attributes & DOS_FOLDER)) {
    const found = (attributes & 0xffff).toString(16)
    throw refusal('special-file', `Expected ${expected}, found the attributes 0x${found}.`, path)
  }
  if (isFolder && entry.uncompressedSize !== 0) {
    throw refusal('special-file', `Expected ${expected}, found ${entry.uncompressedSize} bytes of content.`, path)
  }
}
