import { createHash } from 'node:crypto'
import { brotliDecompressSync, inflateRawSync } from 'node:zlib'
import type { Sha256 } from '../ground/digest.ts'
import type { Unpacking } from '../tree/unpack.ts'

export const nodeSha256: Sha256 = () => createHash('sha256')

/** In the calling thread: a frame has a few megabytes. */
export const nodeUnpacking: Unpacking = {
  brotli: (packed, sizeBytes) => unpackAll(brotliDecompressSync, packed, sizeBytes),
  deflate: (packed, sizeBytes) => unpackAll(inflateRawSync, packed, sizeBytes),
}

type Unpack = typeof brotliDecompressSync | typeof inflateRawSync

/** Of all that is packed: Node's own functions pass over what is behind the end. */
function unpackAll(unpack: Unpack, packed: Uint8Array, sizeBytes: number): Uint8Array {
  // Nothing is no length that zlib takes.
  const unpacked: unknown = unpack(packed, { maxOutputLength: Math.max(1, sizeBytes), info: true })
  // Node's types do not know what `info` makes of it.
  const { buffer, engine } = unpacked as { buffer: Uint8Array; engine: { bytesWritten: number } }
  const left = packed.length - engine.bytesWritten
  if (left > 0) throw new RangeError(`Expected the end of what is packed, found ${left} bytes more.`)
  return buffer
}
