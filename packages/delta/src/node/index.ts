import { createHash } from 'node:crypto'
import { brotliDecompressSync, inflateRawSync } from 'node:zlib'
import type { Sha256 } from '../ground/digest.ts'
import type { Unpacking } from '../tree/unpack.ts'

export const nodeSha256: Sha256 = () => createHash('sha256')

/** In the calling thread: a frame has a few megabytes. */
export const nodeUnpacking: Unpacking = {
  // Nothing is no length that zlib takes.
  brotli: (packed, sizeBytes) => brotliDecompressSync(packed, { maxOutputLength: Math.max(1, sizeBytes) }),
  deflate: (packed, sizeBytes) => inflateRawSync(packed, { maxOutputLength: Math.max(1, sizeBytes) }),
}
