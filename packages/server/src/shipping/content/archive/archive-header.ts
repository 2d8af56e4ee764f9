import { parseExtraFields, type ExtraField } from 'yauzl'
import { checkExtraFields, COMPRESSION_LEVEL, HAS_DESCRIPTOR, type ArchiveEntry } from './archive-directory.ts'
import { refusal } from '@hotpatch/binary-files/zip'

const HEADER = 0x04034b50
export const HEADER_BYTES = 30
const DESCRIPTOR = 0x08074b50
export const MAX_DESCRIPTOR_BYTES = 16

/** What stands in front of an entry's content. */
interface FileHeader {
  bytes: number
  flags: number
  method: number
  crc32: number
  packedBytes: number
  unpackedBytes: number
  name: Buffer
  extraFields: ExtraField[]
}

export function readHeader(entry: ArchiveEntry, region: Buffer): FileHeader {
  checkRoom(entry, HEADER_BYTES, region)
  if (region.readUInt32LE(0) !== HEADER) {
    throw refusal('structure', `Expected a file header at byte ${entry.headerOffset}, found none.`, entry.path)
  }
  const nameEnd = HEADER_BYTES + region.readUInt16LE(26)
  const bytes = nameEnd + region.readUInt16LE(28)
  checkRoom(entry, bytes, region)
  return {
    bytes,
    flags: region.readUInt16LE(6),
    method: region.readUInt16LE(8),
    crc32: region.readUInt32LE(14),
    packedBytes: region.readUInt32LE(18),
    unpackedBytes: region.readUInt32LE(22),
    name: region.subarray(HEADER_BYTES, nameEnd),
    extraFields: readExtraFields(entry, region.subarray(nameEnd, bytes)),
  }
}

function checkRoom(entry: ArchiveEntry, bytes: number, region: Buffer): void {
  if (bytes <= region.length) return
  const found = `the next part after ${region.length}`
  throw refusal('overlap', `Expected a header of ${bytes} bytes, found ${found}.`, entry.path)
}

function readExtraFields(entry: ArchiveEntry, bytes: Buffer): ExtraField[] {
  try {
    return parseExtraFields(bytes)
  } catch (error) {
    throw refusal('structure', 'Expected whole extra fields, found a cut one.', entry.path, { cause: error })
  }
}

/** Readers that go by the header and readers that go by the directory must unpack the same. */
export function checkHeader(entry: ArchiveEntry, header: FileHeader): void {
  const refuse = (detail: string) => refusal('header-mismatch', detail, entry.path)
  const name = Buffer.from(entry.path)
  if (!header.name.equals(name)) {
    const found = JSON.stringify(header.name.toString().slice(0, 200))
    throw refuse(`Expected the name of the directory, found ${found} in the header.`)
  }
  checkExtraFields(entry.path, name, header.extraFields)
  if ((header.flags ^ entry.flags) & ~COMPRESSION_LEVEL || header.method !== entry.method) {
    const [expected, found] = [entry, header].map(({ flags, method }) => `flags ${flags} and method ${method}`)
    throw refuse(`Expected ${expected} as in the directory, found ${found} in the header.`)
  }
  const isLater = (entry.flags & HAS_DESCRIPTOR) !== 0
  const agrees = (expected: number, said: number) => said === expected || (isLater && said === 0)
  if (
    !agrees(entry.unpackedBytes, header.unpackedBytes) ||
    !agrees(entry.packedBytes, header.packedBytes) ||
    !agrees(entry.crc32, header.crc32)
  ) {
    throw refuse('Expected the sizes and CRC-32 of the directory, found others in the header.')
  }
}

/** The signature of a descriptor is optional. */
export function checkDescriptor(entry: ArchiveEntry, found: Buffer): void {
  const signed = Buffer.alloc(MAX_DESCRIPTOR_BYTES)
  signed.writeUInt32LE(DESCRIPTOR, 0)
  signed.writeUInt32LE(entry.crc32, 4)
  signed.writeUInt32LE(entry.packedBytes, 8)
  signed.writeUInt32LE(entry.unpackedBytes, 12)
  if (found.equals(signed) || found.equals(signed.subarray(4))) return
  const detail = 'Expected the sizes and CRC-32 of the directory after the content, found others.'
  throw refusal('header-mismatch', detail, entry.path)
}
