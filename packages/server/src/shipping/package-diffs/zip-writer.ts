import { pipeline } from 'node:stream/promises'
import { crc32, createDeflateRaw } from 'node:zlib'
import { DEFLATED, HAS_DESCRIPTOR, STORED, type ArchiveEntry } from '../content/archive/archive-directory.ts'

/** Names are UTF-8. */
const FLAGS = 0x800
/** Whatever is in it: 1 January 1980, so that the same files are the same bytes. */
const DOS_DATE = 0x21
const VERSION = 20
const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const DESCRIPTOR = 0x08074b50

type Packed = Pick<ArchiveEntry, 'path' | 'method' | 'crc32' | 'packedBytes' | 'unpackedBytes'>

/** A zip of what is packed already: without descriptors and extra fields, as every reader takes it. */
export function createZipWriter(write: (bytes: Buffer) => Promise<void>) {
  const directory: Buffer[] = []
  let offset = 0

  async function put(bytes: Buffer): Promise<void> {
    await write(bytes)
    offset += bytes.length
  }

  async function addPacked(entry: Packed, bytes: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const name = Buffer.from(entry.path)
    directory.push(centralHeader(entry, name, offset), name)
    await put(localHeader(entry, name))
    await put(name)
    for await (const chunk of bytes) await put(chunk)
  }

  async function addStored(path: string, bytes: Buffer): Promise<void> {
    const size = { packedBytes: bytes.length, unpackedBytes: bytes.length }
    await addPacked({ path, method: STORED, crc32: crc32(bytes), ...size }, [bytes])
  }

  async function finish(): Promise<void> {
    await write(directoryOf(directory, offset))
  }

  return { addPacked, addStored, finish }
}

/** A zip of one file of which nobody knows the size before its end. */
export async function* zipOfOne(path: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const name = Buffer.from(path)
  const flags = FLAGS | HAS_DESCRIPTOR
  const entry = { path, method: DEFLATED, crc32: 0, packedBytes: 0, unpackedBytes: 0 }
  const header = Buffer.concat([localHeader(entry, name, flags), name])
  yield header
  const packer = createDeflateRaw()
  const packed = pipeline(counted(content), packer)
  // What goes wrong with the content ends the packer, too, and is told by that.
  packed.catch(() => undefined)
  for await (const chunk of packer as AsyncIterable<Buffer>) {
    entry.packedBytes += chunk.length
    yield chunk
  }
  const descriptor = Buffer.alloc(16)
  descriptor.writeUInt32LE(DESCRIPTOR, 0)
  writeSizes(descriptor, 4, entry)
  yield descriptor
  const offset = header.length + entry.packedBytes + descriptor.length
  yield directoryOf([centralHeader(entry, name, 0, flags), name], offset)

  async function* counted(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      entry.crc32 = crc32(chunk, entry.crc32)
      entry.unpackedBytes += chunk.length
      yield chunk
    }
  }
}

/** @param headers each with its name after it */
function directoryOf(headers: readonly Buffer[], offset: number): Buffer {
  const entries = Buffer.concat(headers)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(END, 0)
  end.writeUInt16LE(headers.length / 2, 8)
  end.writeUInt16LE(headers.length / 2, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([entries, end])
}

function localHeader(entry: Packed, name: Buffer, flags = FLAGS): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(LOCAL, 0)
  header.writeUInt16LE(VERSION, 4)
  writeFacts(header, 6, { entry, name, flags })
  return header
}

function centralHeader(entry: Packed, name: Buffer, offset: number, flags = FLAGS): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(CENTRAL, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(VERSION, 6)
  writeFacts(header, 8, { entry, name, flags })
  header.writeUInt32LE(offset, 42)
  return header
}

/** What both kinds of headers say alike. */
function writeFacts(
  header: Buffer,
  at: number,
  { entry, name, flags }: { entry: Packed; name: Buffer; flags: number },
) {
  header.writeUInt16LE(flags, at)
  header.writeUInt16LE(entry.method, at + 2)
  header.writeUInt16LE(DOS_DATE, at + 6)
  writeSizes(header, at + 8, entry)
  header.writeUInt16LE(name.length, at + 20)
}

function writeSizes(header: Buffer, at: number, { crc32: sum, packedBytes, unpackedBytes }: Packed): void {
  header.writeUInt32LE(sum, at)
  header.writeUInt32LE(packedBytes, at + 4)
  header.writeUInt32LE(unpackedBytes, at + 8)
}
