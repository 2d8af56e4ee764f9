import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ExtraField, type ZipFile } from 'yauzl'
import { readEndRecord } from './archive-end-record.ts'
import { checkPath } from './archive-paths.ts'
import { refusal, zip64Refusal } from './archive-refusal.ts'

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
const DEFLATED = 8
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

const ENTRY_RECORD_BYTES = 46
/** Engine §4: devices read the directory at once, with this much per entry beside its path. */
const MAX_EXTRA_BYTES = 1024
const READ_AHEAD_BYTES = 128 * 1024

/** Reads what the archive says about itself. Whether it is true, the contents tell (archive-contents.ts). */
export function readArchiveDirectory(handle: FileHandle, limits: DirectoryLimits) {
  return readDirectory(handle, limits, (entry) => {
    const read = readEntry(entry)
    // At once: collected names of 64 KiB each would fill the memory.
    checkPath(read.path, limits.maxPathBytes)
    return read
  })
}

export interface DirectoryLimits {
  maxFiles: number
  maxPathBytes: number
}

/**
 * The directory of any zip, in bounded memory.
 * @param readEntry refuses what is not to be taken
 */
export async function readDirectory<Read>(
  handle: FileHandle,
  limits: DirectoryLimits,
  readEntry: (entry: Entry) => Read,
): Promise<{ entries: Read[]; offset: number }> {
  const { size } = await handle.stat()
  const directory = await readEndRecord(handle, size)
  const { entryCount, sizeBytes } = directory
  if (entryCount > limits.maxFiles) {
    throw refusal('file-count', `Expected at most ${limits.maxFiles} files and folders, found ${entryCount}.`)
  }
  const zip = await openZip(handle, size)
  try {
    const entries: Read[] = []
    let bytesRead = 0
    for await (const entry of zip.eachEntry()) {
      bytesRead += ENTRY_RECORD_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
      entries.push(readEntry(entry))
    }
    if (bytesRead !== sizeBytes) {
      throw refusal('structure', `Expected a directory of ${sizeBytes} bytes, found ${bytesRead}.`)
    }
    const longest = entryCount * (ENTRY_RECORD_BYTES + limits.maxPathBytes + MAX_EXTRA_BYTES)
    if (sizeBytes > longest) {
      const detail = `Expected a directory of at most ${longest} bytes for its entries, found ${sizeBytes}.`
      throw refusal('structure', `${detail} Zip without comments and extra fields.`)
    }
    return { entries, offset: directory.offset }
  } catch (error) {
    throw asRefusal(error)
  } finally {
    zip.close()
  }
}

async function openZip(handle: FileHandle, size: number): Promise<ZipFile> {
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false }
  try {
    return await fromRandomAccessReaderPromise(new ReadAhead(handle), size, options)
  } catch (error) {
    throw asRefusal(error)
  }
}

/** yauzl asks for two small pieces per entry, one after the other: without this a thousand entries take 100 ms. */
class ReadAhead extends RandomAccessReader {
  readonly #handle: FileHandle
  #piece = Buffer.alloc(0)
  #start = 0

  constructor(handle: FileHandle) {
    super()
    this.#handle = handle
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ) {
    this.#readAhead(length, position).then((piece) => {
      piece.copy(buffer, offset)
      callback(piece.length < length ? new Error('unexpected end of file') : null)
    }, callback)
  }

  async #readAhead(length: number, position: number): Promise<Buffer> {
    const isHere = position >= this.#start && position + length <= this.#start + this.#piece.length
    if (!isHere) {
      const target = Buffer.allocUnsafe(Math.max(length, READ_AHEAD_BYTES))
      const { bytesRead } = await this.#handle.read(target, 0, target.length, position)
      this.#piece = target.subarray(0, bytesRead)
      this.#start = position
    }
    return this.#piece.subarray(position - this.#start, position - this.#start + length)
  }
}

/** What yauzl cannot read is the archive's fault, what the disk cannot read is not. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error.name === 'Problem' || 'syscall' in error) return error
  return refusal('structure', `Expected a zip archive: ${error.message}`, undefined, { cause: error })
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
