import {
  COMPRESSION_LEVEL,
  HAS_DESCRIPTOR,
  isSameBytes,
  refuseArchive,
  viewOf,
  type ArchiveEntry,
} from './archive-entry.ts'
import { checkExtraFields } from './extra-fields.ts'
import { readExactly, type ArchiveFile } from './read-directory.ts'

const HEADER_SIGNATURE = 0x04034b50
const HEADER_BYTES = 30
const DESCRIPTOR_SIGNATURE = 0x08074b50
const DESCRIPTOR_BYTES = 16

/**
 * Engine §4: where an entry's content begins. Its header, its content and what follows fill the place up to the next
 * part, and say what the table of contents says: readers that go by the one and by the other unpack the same.
 */
export async function findContent(archive: ArchiveFile, entry: ArchiveEntry): Promise<number> {
  const { path, nameBytes, headerOffset } = entry
  const header = viewOf(await readOwn(archive, entry, headerOffset, HEADER_BYTES))
  if (header.getUint32(0, true) !== HEADER_SIGNATURE) refuseArchive(`${path} is not where it should be`)
  const [nameLength, extraLength] = [header.getUint16(26, true), header.getUint16(28, true)]
  const rest = await readOwn(archive, entry, headerOffset + HEADER_BYTES, nameLength + extraLength)
  if (!isSameBytes(rest.subarray(0, nameLength), nameBytes)) refuseTwice(entry)
  checkExtraFields(path, nameBytes, rest.subarray(nameLength))
  checkHeader(header, entry)
  const start = headerOffset + HEADER_BYTES + nameLength + extraLength
  await checkWhatFollows(archive, entry, start + entry.packedBytes)
  return start
}

function checkHeader(header: DataView, entry: ArchiveEntry): void {
  const isOtherKind = (header.getUint16(6, true) ^ entry.flags) & ~COMPRESSION_LEVEL
  if (isOtherKind || header.getUint16(8, true) !== entry.method) refuseTwice(entry)
  const isLater = (entry.flags & HAS_DESCRIPTOR) !== 0
  const values = [entry.crc, entry.packedBytes, entry.sizeBytes]
  values.forEach((expected, index) => {
    const said = header.getUint32(14 + 4 * index, true)
    if (said !== expected && !(isLater && said === 0)) refuseTwice(entry)
  })
}

async function checkWhatFollows(archive: ArchiveFile, entry: ArchiveEntry, from: number): Promise<void> {
  const length = entry.end - from
  if (length < 0) refuseArchive(`${entry.path} overlaps what follows it`)
  const hasDescriptor = (entry.flags & HAS_DESCRIPTOR) !== 0
  if (length > (hasDescriptor ? DESCRIPTOR_BYTES : 0)) refuseArchive(`${length} bytes after ${entry.path} are nobody's`)
  if (!hasDescriptor) return
  const found = await readExactly(archive, from, length)
  const descriptor = new Uint8Array(DESCRIPTOR_BYTES)
  const values = [DESCRIPTOR_SIGNATURE, entry.crc, entry.packedBytes, entry.sizeBytes]
  values.forEach((value, index) => viewOf(descriptor).setUint32(4 * index, value, true))
  // The signature is optional.
  if (!isSameBytes(found, descriptor) && !isSameBytes(found, descriptor.subarray(4))) refuseTwice(entry)
}

async function readOwn(archive: ArchiveFile, entry: ArchiveEntry, offset: number, length: number): Promise<Uint8Array> {
  if (offset + length > entry.end) refuseArchive(`${entry.path} overlaps what follows it`)
  return readExactly(archive, offset, length)
}

function refuseTwice({ path }: ArchiveEntry): never {
  refuseArchive(`${path} is described in two different ways`)
}
