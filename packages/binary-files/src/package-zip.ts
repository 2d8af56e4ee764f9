import type { FileHandle } from 'node:fs/promises'
import { createInflateRaw, crc32 } from 'node:zlib'
import { Readable } from 'node:stream'
import type { Entry } from 'yauzl'
import type { ReadingLimits } from './application.ts'
import { refusal } from './refusal.ts'
import { readDirectory } from './zip/read-directory.ts'

interface PackedFile {
  path: string
  method: number
  crc32: number
  packedBytes: number
  unpackedBytes: number
  headerOffset: number
}

/** The zip that an app comes as, of which few files are looked at. */
export interface PackageZip {
  paths: readonly string[]
  /** Where its directory begins. */
  directoryOffset: number
  /** Undefined when there is none. @throws problem invalid-binary when there is more of it than that */
  read(path: string, maxBytes: number): Promise<Buffer | undefined>
  /** The same, but of what is larger only its beginning, against which nothing is held. */
  readStart(path: string, maxBytes: number): Promise<Buffer | undefined>
  sizeOf(path: string): number
}

const STORED = 0
const DEFLATED = 8
const IS_ENCRYPTED = 0x2041
const HEADER = 0x04034b50
const HEADER_BYTES = 30
const PIECE_BYTES = 64 * 1024

/**
 * Unlike a bundle, which our devices unpack, it is unpacked by the system that it is for, whose own rules it keeps: here
 * only what is read of it must be the same for every reader.
 */
export async function openPackageZip(handle: FileHandle, limits: ReadingLimits): Promise<PackageZip> {
  const directoryLimits = { maxFiles: limits.maxEntries, maxPathBytes: limits.maxPathBytes }
  const { entries, offset } = await readDirectory(handle, directoryLimits, (entry) =>
    readEntry(entry, limits.maxPathBytes),
  )
  const files = new Map(entries.map((entry) => [entry.path, entry]))
  // Two readers would take different ones.
  if (files.size < entries.length) throw refusal('Expected every file once in the zip, found a name twice.')

  async function unpack(path: string, maxBytes: number): Promise<Unpacked | undefined> {
    const entry = files.get(path)
    if (!entry) return undefined
    if (entry.isEncrypted) throw refusal(`Expected plain content, found ${shown(path)} encrypted.`)
    const start = await findContent(handle, entry)
    if (start + entry.packedBytes > offset) {
      throw refusal(`Expected ${shown(path)} to end before the zip's directory, found it to go on.`)
    }
    return { entry, bytes: await inflate(handle, entry, start, Math.min(maxBytes, entry.unpackedBytes)) }
  }

  async function read(path: string, maxBytes: number): Promise<Buffer | undefined> {
    const { unpackedBytes = 0 } = files.get(path) ?? {}
    if (unpackedBytes > maxBytes) {
      throw refusal(`Expected at most ${maxBytes} bytes of ${shown(path)}, found ${unpackedBytes}.`)
    }
    const unpacked = await unpack(path, maxBytes)
    if (unpacked && crc32(unpacked.bytes) !== unpacked.entry.crc32) {
      throw refusal(`Expected ${shown(path)} to be what its CRC-32 says, found it damaged.`)
    }
    return unpacked?.bytes
  }

  return {
    paths: [...files.keys()],
    directoryOffset: offset,
    read,
    readStart: async (path, maxBytes) => (await unpack(path, maxBytes))?.bytes,
    sizeOf: (path) => files.get(path)?.unpackedBytes ?? 0,
  }
}

interface Unpacked {
  entry: PackedFile
  bytes: Buffer
}

function readEntry(entry: Entry, maxPathBytes: number): PackedFile & { isEncrypted: boolean } {
  // At once: collected names of 64 KiB each would fill the memory.
  if (entry.fileNameLength > maxPathBytes) {
    throw refusal(`Expected names of at most ${maxPathBytes} bytes in the zip, found ${entry.fileNameLength}.`)
  }
  return {
    // Tools of Apple's write UTF-8 and do not say so.
    path: entry.fileNameRaw.toString('utf8'),
    isEncrypted: (entry.generalPurposeBitFlag & IS_ENCRYPTED) !== 0,
    method: entry.compressionMethod,
    crc32: entry.crc32,
    packedBytes: entry.compressedSize,
    unpackedBytes: entry.uncompressedSize,
    headerOffset: entry.relativeOffsetOfLocalHeader,
  }
}

/** Behind its header, which must be of the same file as readers see that go by it. */
async function findContent(handle: FileHandle, entry: PackedFile): Promise<number> {
  const name = Buffer.from(entry.path)
  const header = await readPiece(handle, entry.headerOffset, HEADER_BYTES + name.length)
  const isWhole = header.length === HEADER_BYTES + name.length && header.readUInt32LE(0) === HEADER
  const isSame = isWhole && header.subarray(HEADER_BYTES).equals(name) && header.readUInt16LE(8) === entry.method
  if (!isSame || header.readUInt16LE(26) !== name.length) {
    throw refusal(`Expected the header of ${shown(entry.path)} to say what the directory does, found another one.`)
  }
  return entry.headerOffset + header.length + header.readUInt16LE(28)
}

/** Stops at the size that it has to have: the rest may be a bomb. */
async function inflate(handle: FileHandle, entry: PackedFile, start: number, bytes: number): Promise<Buffer> {
  const { path, method, packedBytes } = entry
  const pieces = readPieces(handle, start, start + packedBytes)
  if (method === STORED) return collect(path, pieces, bytes)
  if (method !== DEFLATED) throw refusal(`Expected ${shown(path)} stored or deflated, found method ${method}.`)
  const inflating = createInflateRaw({ chunkSize: Math.min(bytes + 64, PIECE_BYTES) })
  const source = Readable.from(pieces)
  source.on('error', (error) => inflating.destroy(error)).pipe(inflating)
  try {
    return await collect(path, inflating, bytes)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('Z_')) throw error
    throw refusal(`Expected ${shown(path)} deflated, found damage: ${error.message}.`, { cause: error })
  } finally {
    source.destroy()
    inflating.destroy()
  }
}

async function collect(path: string, pieces: AsyncIterable<Buffer>, bytes: number): Promise<Buffer> {
  const kept: Buffer[] = []
  let found = 0
  if (bytes > 0) {
    for await (const piece of pieces) {
      kept.push(piece.subarray(0, bytes - found))
      found += piece.length
      if (found >= bytes) break
    }
  }
  if (found < bytes) throw refusal(`Expected ${bytes} bytes of ${shown(path)}, found ${found}.`)
  return Buffer.concat(kept)
}

async function* readPieces(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const piece = await readPiece(handle, at, Math.min(PIECE_BYTES, end - at))
    if (piece.length === 0) return
    at += piece.length
    yield piece
  }
}

/** Less than asked for only at the end of the file. */
export async function readPiece(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

function shown(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path)
}
