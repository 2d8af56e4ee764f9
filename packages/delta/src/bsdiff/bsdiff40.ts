import { createBunzip2, type Bunzip2 } from '../bzip2/decompress.ts'
import { damaged } from '../ground/patch-error.ts'
import type { Steps } from './apply-steps.ts'
import { MAGICS, readLength, STEP_BYTES } from './bsdiff-format.ts'
import { OFFSET_BYTES, readOffset } from './offsets.ts'

export const HEADER_BYTES = MAGICS.bsdiff40.length + 3 * OFFSET_BYTES

/** Patches §2. */
export function readBsdiff40(patch: Uint8Array): { targetBytes: number; steps: () => Steps } {
  const [stepsAt, addedAt, targetAt] = [0, 1, 2].map((index) => MAGICS.bsdiff40.length + index * OFFSET_BYTES)
  const stepsBytes = readLength(patch, stepsAt!, 'length of its first stream')
  const addedBytes = readLength(patch, addedAt!, 'length of its second stream')
  const targetBytes = readLength(patch, targetAt!, 'length of its target')
  const rest = patch.length - HEADER_BYTES
  if (stepsBytes + addedBytes > rest) {
    throw damaged(`Expected streams within ${rest} bytes, found ones of ${stepsBytes} and ${addedBytes}.`)
  }
  const stream = (from: number, to: number) => createBunzip2(patch.subarray(HEADER_BYTES + from, HEADER_BYTES + to))
  return {
    targetBytes,
    steps: () => {
      const moves = stream(0, stepsBytes)
      const added = stream(stepsBytes, stepsBytes + addedBytes)
      const inserted = stream(stepsBytes + addedBytes, rest)
      const bytes = new Uint8Array(STEP_BYTES)
      return {
        readStep: (step) => readStepFrom(moves, bytes, step),
        readAdded: (target, from, to) => fill(added, target, from, to),
        readInserted: (target, from, to) => fill(inserted, target, from, to),
        end: () => [moves, added, inserted].forEach((each) => each.end()),
      }
    },
  }
}

export function readStepFrom(stream: Bunzip2, bytes: Uint8Array, step: Float64Array): void {
  fill(stream, bytes, 0, STEP_BYTES)
  for (let index = 0; index < 3; index += 1) step[index] = readOffset(bytes, index * OFFSET_BYTES)
}

export function fill(stream: Bunzip2, target: Uint8Array, from: number, to: number): void {
  const end = stream.readInto(target, from, to)
  if (end < to) throw damaged(`Expected ${to - from} bytes of a patch's stream, found ${end - from}.`)
}
