import { brotliDecompressSync } from 'node:zlib'

/** In the calling thread: what is unpacked at a time has a few megabytes. */
export function unpackBrotli(packed: Uint8Array, sizeBytes: number): Uint8Array {
  // Nothing is no length that zlib takes.
  return brotliDecompressSync(packed, { maxOutputLength: Math.max(1, sizeBytes) })
}
