import type { FileHandle } from 'node:fs/promises'
import type { ArchiveEntry } from './archive-directory.ts'
import { HEADER_BYTES, readHeader } from './archive-header.ts'

/** Of archives that were taken already, within the limits of then. */
export const TAKEN_LIMITS = { maxFiles: 65_535, maxUnpackedBytes: 2 ** 40, maxPathBytes: 65_535 }
/** A name and extra fields, each as long as a header can say. */
const MAX_HEADER_BYTES = HEADER_BYTES + 2 * 65_535
const CHUNK_BYTES = 256 * 1024

/** What is in a taken archive, as it is there. */
export async function* packedBytesOf(from: FileHandle, entry: ArchiveEntry): AsyncGenerator<Buffer> {
  const { buffer, bytesRead } = await from.read(Buffer.alloc(MAX_HEADER_BYTES), { position: entry.headerOffset })
  let position = entry.headerOffset + readHeader(entry, buffer.subarray(0, bytesRead)).bytes
  const end = position + entry.packedBytes
  while (position < end) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position))
    const { bytesRead: count } = await from.read(chunk, { position })
    if (count === 0) throw new Error(`Expected ${end} bytes, found the end of the file.`)
    position += count
    yield chunk.subarray(0, count)
  }
}
