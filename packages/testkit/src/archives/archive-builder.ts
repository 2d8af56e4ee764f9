import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { deflateRaw } from 'pako'

/** What one of an entry's two records says. */
interface EntryRecord {
  name: Buffer | string
  flags: number
  method: number
  crc32: number
  packedBytes: number
  unpackedBytes: number
  extra: Buffer
}

export interface ZipEntry extends Partial<EntryRecord> {
  content?: Buffer | string
  /** The bytes in the archive, when they are not the content as `method` makes them. */
  packed?: Buffer
  unixMode?: number
  /** DOS attributes. */
  attributes?: number
  /** What only the header in front of the content says. */
  header?: Partial<EntryRecord>
  /** What follows the content. */
  descriptor?: Buffer
  /** Bytes in front of the header that belong to no entry. */
  before?: Buffer
  /** Where the directory says that the header is. */
  offset?: number
  isListed?: boolean
}

export interface ZipEnd {
  /** Bytes between the last entry and the directory. */
  beforeDirectory?: Buffer
  /** Bytes between the directory and the end record. */
  afterDirectory?: Buffer
  /** With a ZIP64 end record and its locator, which say the same. */
  zip64?: boolean
  disk?: number
  entriesHere?: number
  entryCount?: number
  directoryBytes?: number
  directoryOffset?: number
  comment?: Buffer
  commentBytes?: number
}

export const HAS_DESCRIPTOR = 0x8
export const IS_UTF8 = 0x800

/** Writes a zip in which everything can be a lie: every value that is given replaces the true one. */
export function writeZip(entries: readonly ZipEntry[], end: ZipEnd = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  const append = (bytes: Buffer) => {
    parts.push(bytes)
    offset += bytes.length
  }
  for (const entry of entries) {
    const { record, packed } = completeEntry(entry)
    append(entry.before ?? Buffer.alloc(0))
    if (entry.isListed !== false) directory.push(directoryRecord(entry, record, entry.offset ?? offset))
    append(Buffer.concat([fileHeader({ ...record, ...entry.header }), packed, entry.descriptor ?? Buffer.alloc(0)]))
  }
  append(end.beforeDirectory ?? Buffer.alloc(0))
  const written = { count: directory.length, bytes: Buffer.concat(directory), offset }
  append(Buffer.concat([written.bytes, end.afterDirectory ?? Buffer.alloc(0)]))
  if (end.zip64) append(zip64End(written, offset))
  append(endRecord(end, written))
  return Buffer.concat(parts)
}

/** The true record that follows the content of an entry with HAS_DESCRIPTOR. */
export function descriptorOf(content: Buffer | string, { signed = true } = {}): Buffer {
  const bytes = Buffer.from(content)
  const values = [u32(crc32(bytes)), u32(deflated(bytes).length), u32(bytes.length)]
  return Buffer.concat(signed ? [u32(0x08074b50), ...values] : values)
}

/** The same on every machine, which zlib's own output is not. */
export function deflated(content: Buffer | string): Buffer {
  return Buffer.from(deflateRaw(Buffer.from(content)))
}

/** Bytes that do not compress, always the same. */
export function noise(bytes: number): Buffer {
  return createHash('shake256', { outputLength: bytes }).update('noise').digest()
}

export function extraField(id: number, data: Buffer): Buffer {
  return Buffer.concat([u16(id), u16(data.length), data])
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function completeEntry(entry: ZipEntry) {
  const content = Buffer.from(entry.content ?? '')
  const method = entry.method ?? 8
  const packed = entry.packed ?? (method === 8 ? deflated(content) : content)
  const record: EntryRecord = {
    name: entry.name ?? 'file.txt',
    flags: entry.flags ?? 0,
    method,
    crc32: entry.crc32 ?? crc32(content),
    packedBytes: entry.packedBytes ?? packed.length,
    unpackedBytes: entry.unpackedBytes ?? content.length,
    extra: entry.extra ?? Buffer.alloc(0),
  }
  return { record, packed }
}

function sharedFields({ name, flags, method, crc32, packedBytes, unpackedBytes, extra }: EntryRecord): Buffer {
  return Buffer.concat([
    u16(20), // version needed
    u16(flags),
    u16(method),
    u32(0x5a21_0000), // 2025-01-01 00:00
    u32(crc32),
    u32(packedBytes),
    u32(unpackedBytes),
    u16(Buffer.byteLength(name)),
    u16(extra.length),
  ])
}

function fileHeader(record: EntryRecord): Buffer {
  return Buffer.concat([u32(0x04034b50), sharedFields(record), Buffer.from(record.name), record.extra])
}

function directoryRecord(entry: ZipEntry, record: EntryRecord, offset: number): Buffer {
  const attributes = (((entry.unixMode ?? 0) << 16) | (entry.attributes ?? 0)) >>> 0
  return Buffer.concat([
    u32(0x02014b50),
    u16(0x031e), // made on Unix
    sharedFields(record),
    u16(0), // comment
    u16(0), // disk
    u16(0), // internal attributes
    u32(attributes),
    u32(offset),
    Buffer.from(record.name),
    record.extra,
  ])
}

interface WrittenDirectory {
  count: number
  bytes: Buffer
  offset: number
}

function zip64End({ count, bytes, offset }: WrittenDirectory, position: number): Buffer {
  return Buffer.concat([
    u32(0x06064b50),
    u64(44), // bytes that follow
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    u64(count),
    u64(count),
    u64(bytes.length),
    u64(offset),
    u32(0x07064b50),
    u32(0),
    u64(position),
    u32(1),
  ])
}

function endRecord(end: ZipEnd, { count, bytes, offset }: WrittenDirectory): Buffer {
  const comment = end.comment ?? Buffer.alloc(0)
  return Buffer.concat([
    u32(0x06054b50),
    u16(end.disk ?? 0),
    u16(0),
    u16(end.entriesHere ?? end.entryCount ?? count),
    u16(end.entryCount ?? count),
    u32(end.directoryBytes ?? bytes.length),
    u32(end.directoryOffset ?? offset),
    u16(end.commentBytes ?? comment.length),
    comment,
  ])
}
