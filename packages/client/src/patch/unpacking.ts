import type { Unpacking } from '@hotpatch/delta'
import { createInflater } from '../archive/inflate.ts'
import type { Ports } from '../ground/ports.ts'
import type { Limits } from '../ground/settings.ts'

/** Patches §5.1, bounded by what this device has memory for: what a patch says of itself takes none before. */
export function createUnpacking(
  { unpackBrotli }: Pick<Ports, 'unpackBrotli'>,
  { patchPieceBytes }: Pick<Limits, 'patchPieceBytes'>,
): Unpacking {
  const bounded =
    <Unpacked>(unpack: (packed: Uint8Array, sizeBytes: number) => Unpacked) =>
    (packed: Uint8Array, sizeBytes: number) => {
      if (sizeBytes > patchPieceBytes) {
        throw new RangeError(`Expected up to ${patchPieceBytes} bytes at a time, found ${sizeBytes}.`)
      }
      return unpack(packed, sizeBytes)
    }
  return { deflate: bounded(inflate), ...(unpackBrotli && { brotli: bounded(unpackBrotli) }) }
}

function inflate(packed: Uint8Array, sizeBytes: number): Uint8Array {
  const unpacked = new Uint8Array(sizeBytes)
  let at = 0
  const inflater = createInflater('a patch', (bytes) => {
    // Throws where there is no room for it.
    unpacked.set(bytes, at)
    at += bytes.length
  })
  inflater.push(packed)
  inflater.end()
  return unpacked.subarray(0, at)
}
