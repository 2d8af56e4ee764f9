import { crc32 } from 'node:zlib'
import { STORED, type ArchiveEntry } from '../content/archive/archive-directory.ts'

/** Names are UTF-8. */
const FLAGS = 0x800
/** Whatever is in it: 1 January 1980, so that the same files are the same bytes. */
const DOS_DATE = 0x21
const VERSION = 20
const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50

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
    const entries = Buffer.concat(directory)
    const end = Buffer.alloc(22)
    end.writeUInt32LE(END, 0)
    end.writeUInt16LE(directory.length / 2, 8)
    end.writeUInt16LE(directory.length / 2, 10)
    end.writeUInt32LE(entries.length, 12)
    end.writeUInt32LE(offset, 16)
    await write(Buffer.concat([entries, end]))
  }

  return { addPacked, addStored, finish }
}

function localHeader(entry: Packed, name: Buffer): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(LOCAL, 0)
  header.writeUInt16LE(VERSION, 4)
  writeFacts(header, 6, entry, name)
  return header
}

function centralHeader(entry: Packed, name: Buffer, offset: number): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(CENTRAL, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(VERSION, 6)
  writeFacts(header, 8, entry, name)
  header.writeUInt32LE(offset, 42)
  return header
}

/** What both kinds of headers say alike. */
function writeFacts(header: Buffer, at: number, entry: Packed, name: Buffer): void {
  header.writeUInt16LE(FLAGS, at)
  header.writeUInt16LE(entry.method, at + 2)
  header.writeUInt16LE(DOS_DATE, at + 6)
  header.writeUInt32LE(entry.crc32, at + 8)
  header.writeUInt32LE(entry.packedBytes, at + 12)
  header.writeUInt32LE(entry.unpackedBytes, at + 16)
  header.writeUInt16LE(name.length, at + 20)
}
