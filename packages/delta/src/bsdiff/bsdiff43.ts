import { createBunzip2 } from '../bzip2/decompress.ts'
import type { Steps } from './apply-steps.ts'
import { MAGICS, readLength, STEP_BYTES } from './bsdiff-format.ts'
import { fill, readStepFrom } from './bsdiff40.ts'
import { OFFSET_BYTES } from './offsets.ts'

export const HEADER_BYTES = MAGICS.bsdiff43.length + OFFSET_BYTES

/** Patches §3. */
export function readBsdiff43(patch: Uint8Array): { targetBytes: number; steps: () => Steps } {
  const targetBytes = readLength(patch, MAGICS.bsdiff43.length, 'length of its target')
  return {
    targetBytes,
    steps: () => {
      const stream = createBunzip2(patch.subarray(HEADER_BYTES))
      const bytes = new Uint8Array(STEP_BYTES)
      const read = (target: Uint8Array, from: number, to: number) => fill(stream, target, from, to)
      return {
        readStep: (step) => readStepFrom(stream, bytes, step),
        readAdded: read,
        readInserted: read,
        end: () => stream.end(),
      }
    },
  }
}
