import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl'
import { readEndRecord, type ZipBytes } from './end-record.ts'
import { refusal } from './refusal.ts'

const ENTRY_RECORD_BYTES = 46
/** Engine §4: devices read the directory at once, with this much per entry beside its path. */
const MAX_EXTRA_BYTES = 1024
const READ_AHEAD_BYTES = 128 * 1024

export interface DirectoryLimits {
  maxFiles: number
  maxPathBytes: number
}

/**
 * The directory of any zip, in bounded memory.
 * @param readEntry refuses what is not to be taken
 */
export async function readDirectory<Read>(
  handle: ZipBytes,
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

async function openZip(handle: ZipBytes, size: number): Promise<ZipFile> {
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false }
  try {
    return await fromRandomAccessReaderPromise(new ReadAhead(handle), size, options)
  } catch (error) {
    throw asRefusal(error)
  }
}

/** yauzl asks for two small pieces per entry, one after the other: without this a thousand entries take 100 ms. */
class ReadAhead extends RandomAccessReader {
  readonly #handle: ZipBytes
  #piece = Buffer.alloc(0)
  #start = 0

  constructor(handle: ZipBytes) {
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
