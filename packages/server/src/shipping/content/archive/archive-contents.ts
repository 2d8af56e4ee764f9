import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { crc32, createInflateRaw, inflateRawSync, type InflateRaw } from 'node:zlib'
import { HAS_DESCRIPTOR, STORED, type ArchiveEntry } from './archive-directory.ts'
import { checkDescriptor, checkHeader, HEADER_BYTES, MAX_DESCRIPTOR_BYTES, readHeader } from './archive-header.ts'
import { refusal } from '@hotpatch/binary-files/zip'

/** Holds every header (a name and extra fields have at most 128 KiB) and most files whole. */
const WINDOW_BYTES = 256 * 1024
/** zlib's smallest. More than the expected size, so that the end of a file shows in its first chunk. */
const MIN_CHUNK_BYTES = 64
/** Inflated at once in a fraction of a millisecond, which is less than what handing it to a thread costs. */
const SMALL_FILE_BYTES = 64 * 1024
/** zlib works on the thread pool, whose four threads also read the files that are being downloaded. */
const LANES = 3

/** An entry and the bytes that are its own: from its header up to the next one. */
interface Region {
  entry: ArchiveEntry
  end: number
}

/** Takes the content of a file as it is unpacked. It may turn out to be wrong: then the check fails. */
export interface UnpackedFile {
  /** The chunk is the caller's again when this resolves. */
  write(chunk: Uint8Array): Promise<void>
  /** That was all of it. The next one is opened after this: a system has fewer open files than an archive may have. */
  end(): Promise<void>
}

export type OpenFile = (path: string) => Promise<UnpackedFile>

interface Checking {
  signal: AbortSignal
  openFile: OpenFile | undefined
}

/**
 * Unpacks every entry, keeping nothing unless somebody wants the files, and compares it with what the directory says of it. Reads the archive front
 * to back as one chain of entries, so that readers which never look at the directory see the same files.
 */
export async function checkContents(
  handle: FileHandle,
  entries: readonly ArchiveEntry[],
  directoryOffset: number,
  { signal, openFile }: { signal?: AbortSignal | undefined; openFile?: OpenFile | undefined },
): Promise<void> {
  const queue = regionsOf(entries, directoryOffset).values()
  const stop = new AbortController()
  const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  async function work() {
    const window = Buffer.allocUnsafe(WINDOW_BYTES)
    try {
      for (const region of queue) await checkRegion(handle, region, window, { signal: stopped, openFile })
    } catch (error) {
      stop.abort(error)
    }
  }
  await Promise.all(Array.from({ length: Math.min(LANES, entries.length) }, work))
  stopped.throwIfAborted()
}

function regionsOf(entries: readonly ArchiveEntry[], directoryOffset: number): Region[] {
  const sorted = entries.toSorted((left, right) => left.headerOffset - right.headerOffset)
  const first = sorted[0]
  // Self-extracting archives, or a file that is something else to a program that looks at its beginning.
  if (first && first.headerOffset !== 0) {
    throw refusal('hidden-data', `Expected the first entry at byte 0, found it at ${first.headerOffset}.`, first.path)
  }
  const regions = sorted.map((entry, index) => ({ entry, end: sorted[index + 1]?.headerOffset ?? directoryOffset }))
  regions.forEach(checkRoom)
  return regions
}

/** Before anything is read: what overlaps is refused as that, whichever of the two is looked at first. */
function checkRoom({ entry, end }: Region): void {
  const needed = HEADER_BYTES + Buffer.byteLength(entry.path) + entry.packedBytes
  if (entry.headerOffset + needed <= end) return
  const detail = `Expected it to end before byte ${end}, where the next part starts, found ${needed} bytes from ${entry.headerOffset} on.`
  throw refusal('overlap', detail, entry.path)
}

async function checkRegion(handle: FileHandle, region: Region, window: Buffer, checking: Checking): Promise<void> {
  const { entry, end } = region
  checking.signal.throwIfAborted()
  const inWindow = await readFully(handle, window, entry.headerOffset, end)
  const header = readHeader(entry, inWindow)
  checkHeader(entry, header)

  const start = entry.headerOffset + header.bytes
  const descriptorStart = start + entry.packedBytes
  const descriptorBytes = end - descriptorStart
  if (descriptorBytes < 0) {
    const detail = `Expected it to end before byte ${end}, where the next part starts, found ${descriptorStart}.`
    throw refusal('overlap', detail, entry.path)
  }
  if (descriptorBytes > (entry.flags & HAS_DESCRIPTOR ? MAX_DESCRIPTOR_BYTES : 0)) {
    const detail = `Expected nothing after it, found ${descriptorBytes} bytes that belong to no entry.`
    throw refusal('hidden-data', detail, entry.path)
  }
  const isWhole = entry.headerOffset + inWindow.length === end
  const content = isWhole
    ? inWindow.subarray(header.bytes, header.bytes + entry.packedBytes)
    : readChunks(handle, start, descriptorStart)
  await checkContent(entry, content, checking)
  if (entry.flags & HAS_DESCRIPTOR) {
    const descriptor = isWhole
      ? inWindow.subarray(inWindow.length - descriptorBytes)
      : await readFully(handle, window, descriptorStart, end)
    checkDescriptor(entry, descriptor)
  }
}

async function checkContent(entry: ArchiveEntry, packed: Buffer | AsyncIterable<Buffer>, checking: Checking) {
  const file = entry.isFolder ? undefined : await checking.openFile?.(entry.path)
  const { sizeBytes, crc, packedBytes } = await unpack(entry, packed, { signal: checking.signal, file })
  await file?.end()
  if (sizeBytes !== entry.unpackedBytes) {
    const found = sizeBytes > entry.unpackedBytes ? 'more' : String(sizeBytes)
    throw refusal('content-mismatch', `Expected ${entry.unpackedBytes} bytes, found ${found}.`, entry.path)
  }
  if (crc !== entry.crc32) {
    throw refusal('content-mismatch', `Expected the CRC-32 ${entry.crc32}, found ${crc}.`, entry.path)
  }
  if (packedBytes !== entry.packedBytes) {
    const found = `their end after ${packedBytes}`
    throw refusal('hidden-data', `Expected ${entry.packedBytes} deflated bytes, found ${found}.`, entry.path)
  }
}

interface Unpacked {
  sizeBytes: number
  crc: number
  packedBytes: number
}

interface Unpacking {
  signal: AbortSignal
  file: UnpackedFile | undefined
}

async function unpack(
  entry: ArchiveEntry,
  packed: Buffer | AsyncIterable<Buffer>,
  unpacking: Unpacking,
): Promise<Unpacked> {
  const isOnePiece = Buffer.isBuffer(packed)
  if (entry.method === STORED) return measure(entry, isOnePiece ? [packed] : packed, unpacking)
  try {
    if (isOnePiece && entry.unpackedBytes <= SMALL_FILE_BYTES) return await inflateAtOnce(entry, packed, unpacking)
    const inflate = createInflateRaw({ chunkSize: Math.min(entry.unpackedBytes + MIN_CHUNK_BYTES, WINDOW_BYTES) })
    const source = Readable.from(isOnePiece ? [packed] : packed)
    source.on('error', (error) => inflate.destroy(error)).pipe(inflate)
    return { ...(await measure(entry, inflate, unpacking)), packedBytes: inflate.bytesWritten }
  } catch (error) {
    if (!isZlibError(error)) throw error
    const detail = `Expected deflated content, found damage: ${error.message}.`
    throw refusal('content-mismatch', detail, entry.path, { cause: error })
  }
}

/** Ends one byte after the expected size: the rest may be a bomb. */
async function inflateAtOnce(entry: ArchiveEntry, packed: Buffer, { file }: Unpacking): Promise<Unpacked> {
  const options = {
    chunkSize: entry.unpackedBytes + MIN_CHUNK_BYTES,
    maxOutputLength: entry.unpackedBytes + 1,
    info: true,
  }
  // With `info` the answer is this, which the types do not say.
  const result = inflateRawSync(packed, options) as unknown as { buffer: Buffer; engine: InflateRaw }
  await file?.write(result.buffer)
  return { sizeBytes: result.buffer.length, crc: crc32(result.buffer), packedBytes: result.engine.bytesWritten }
}

/** Ends soon after the expected size, for the same reason. */
async function measure(
  entry: ArchiveEntry,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  { signal, file }: Unpacking,
): Promise<Unpacked> {
  let sizeBytes = 0
  let crc = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    sizeBytes += chunk.length
    if (sizeBytes > entry.unpackedBytes) break
    crc = crc32(chunk, crc)
    await file?.write(chunk)
  }
  return { sizeBytes, crc, packedBytes: sizeBytes }
}

const ZLIB_ERROR = /^(Z_|ERR_BUFFER_TOO_LARGE$)/

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && ZLIB_ERROR.test(String(error.code))
}

async function* readChunks(handle: FileHandle, start: number, end: number) {
  for (let position = start; position < end;) {
    const chunk = await readFully(handle, Buffer.allocUnsafe(WINDOW_BYTES), position, end)
    position += chunk.length
    yield chunk
  }
}

/** As much of the range as the buffer holds. */
async function readFully(handle: FileHandle, buffer: Buffer, start: number, end: number): Promise<Buffer> {
  const length = Math.max(0, Math.min(buffer.length, end - start))
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled)
    if (bytesRead === 0) throw refusal('structure', `Expected ${end} bytes, found the end of the archive.`)
    filled += bytesRead
  }
  return buffer.subarray(0, length)
}
