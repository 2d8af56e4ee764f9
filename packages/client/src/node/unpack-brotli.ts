import { brotliDecompressSync } from 'node:zlib'

/** In the calling thread: what is unpacked at a time has a few megabytes. */
export function unpackBrotli(packed: Uint8Array, sizeBytes: number): Uint8Array {
  // Nothing is no length that zlib takes.
  const unpacked: unknown = brotliDecompressSync(packed, { maxOutputLength: Math.max(1, sizeBytes), info: true })
  // Node's types do not know what `info` makes of it.
  const { buffer, engine } = unpacked as { buffer: Uint8Array; engine: { bytesWritten: number } }
  // Node itself passes over what is behind the end.
  const left = packed.length - engine.bytesWritten
  if (left > 0) throw new RangeError(`Expected the end of what is packed, found ${left} bytes more.`)
  return buffer
}
