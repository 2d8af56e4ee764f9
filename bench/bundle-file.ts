import { open } from 'node:fs/promises'
import { crc32, deflateRawSync } from 'node:zlib'

const MIB = 1024 * 1024
const ENTRY_BYTES = 5 * MIB
const LOCAL_HEADER = 0x04034b50
const DIRECTORY_HEADER = 0x02014b50
const END_RECORD = 0x06054b50
const STORED = 0
const DEFLATED = 8
const DOS_DATE = (47 << 9) | (1 << 5) | 1 // 2027-01-01
const UNIX = 0x0314
const PLAIN_FILE = 0o100644 * 0x10000

export type Content =
  /** As bundles are: half images, which do not shrink, half code, which does. */
  | 'mixed'
  /** Nothing to unpack: a reader has only to look at the bytes. */
  | 'stored'
  /** Random bytes that are no archive at all. */
  | 'none'

interface Packed {
  method: number
  bytes: Buffer
  crc: number
  unpackedBytes: number
}

/**
 * Writes about so many bytes, the same for the same `variant`, and flushes them to the disk: what is measured later does
 * not pay for it. A variant differs from the others in one small file.
 */
export async function writeBundle(path: string, megabytes: number, content: Content, variant: number): Promise<void> {
  const file = await open(path, 'w')
  const directory: Buffer[] = []
  let offset = 0
  const append = async (bytes: Buffer) => {
    await file.writeFile(bytes)
    offset += bytes.length
  }
  const addEntry = async (name: string, packed: Packed) => {
    directory.push(directoryHeader(name, packed, offset))
    await append(localHeader(name, packed))
    await append(packed.bytes)
  }

  const isFull = () => offset >= megabytes * MIB
  const bodies = content === 'mixed' ? [image(), code()] : [image()]
  for (let index = 0; !isFull(); index++) {
    const body = bodies[index % bodies.length] ?? image()
    if (content === 'none') await append(body.bytes)
    else await addEntry(`assets/part-${index}.bin`, body)
  }
  if (content !== 'none') {
    await addEntry('variant.txt', stored(Buffer.from(`${variant}\n`)))
    const records = Buffer.concat(directory)
    const end = endRecord(directory.length, records.length, offset)
    await append(records)
    await append(end)
  }
  await file.sync()
  await file.close()
}

let keptImage: Packed | undefined
let keptCode: Packed | undefined

function image(): Packed {
  keptImage ??= stored(randomBytes(ENTRY_BYTES))
  return keptImage
}

/** Words in an order that repeats as little as source text does: packed to about a third. */
function code(): Packed {
  if (keptCode) return keptCode
  const words = Array.from({ length: 4096 }, (_, index) => `${(index * 2_654_435_761).toString(36)}(`)
  const random = randomBytes(ENTRY_BYTES)
  const text: string[] = []
  for (let index = 0; index + 1 < random.length && text.length < 1_500_000; index += 2) {
    text.push(words[random.readUInt16LE(index) % words.length] ?? '')
  }
  const bytes = Buffer.from(text.join(''))
  keptCode = { method: DEFLATED, bytes: deflateRawSync(bytes), crc: crc32(bytes), unpackedBytes: bytes.length }
  return keptCode
}

function stored(bytes: Buffer): Packed {
  return { method: STORED, bytes, crc: crc32(bytes), unpackedBytes: bytes.length }
}

/** Xorshift from a fixed seed. */
function randomBytes(count: number): Buffer {
  const words = new Int32Array(count / 4)
  let state = 0x2545f491
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state
  }
  return Buffer.from(words.buffer)
}

function localHeader(name: string, { method, bytes, crc, unpackedBytes }: Packed): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(LOCAL_HEADER, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(method, 8)
  header.writeUInt16LE(DOS_DATE, 12)
  header.writeUInt32LE(crc, 14)
  header.writeUInt32LE(bytes.length, 18)
  header.writeUInt32LE(unpackedBytes, 22)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, Buffer.from(name)])
}

function directoryHeader(name: string, { method, bytes, crc, unpackedBytes }: Packed, offset: number): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(DIRECTORY_HEADER, 0)
  header.writeUInt16LE(UNIX, 4)
  header.writeUInt16LE(20, 6)
  header.writeUInt16LE(method, 10)
  header.writeUInt16LE(DOS_DATE, 14)
  header.writeUInt32LE(crc, 16)
  header.writeUInt32LE(bytes.length, 20)
  header.writeUInt32LE(unpackedBytes, 24)
  header.writeUInt16LE(name.length, 28)
  header.writeUInt32LE(PLAIN_FILE, 38)
  header.writeUInt32LE(offset, 42)
  return Buffer.concat([header, Buffer.from(name)])
}

function endRecord(entries: number, directoryBytes: number, offset: number): Buffer {
  const record = Buffer.alloc(22)
  record.writeUInt32LE(END_RECORD, 0)
  record.writeUInt16LE(entries, 8)
  record.writeUInt16LE(entries, 10)
  record.writeUInt32LE(directoryBytes, 12)
  record.writeUInt32LE(offset, 16)
  return record
}
