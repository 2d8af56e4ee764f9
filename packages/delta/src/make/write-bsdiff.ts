import { writeMagic, type BsdiffFormat } from '../bsdiff/bsdiff-format.ts'
import { HEADER_BYTES as HEADER_BYTES_40 } from '../bsdiff/bsdiff40.ts'
import { HEADER_BYTES as HEADER_BYTES_43 } from '../bsdiff/bsdiff43.ts'
import { OFFSET_BYTES, writeOffset } from '../bsdiff/offsets.ts'
import { bzip2 } from '../bzip2/compress.ts'
import type { Differences } from '../differences/differences.ts'

type WriteBsdiff = (differences: Differences) => Generator<undefined, Uint8Array>

export const WRITERS: Readonly<Record<BsdiffFormat, WriteBsdiff>> = { bsdiff40: writeBsdiff40, bsdiff43: writeBsdiff43 }

/** Patches §2: three bzip2 streams, behind the lengths of the first two and of the target. */
function* writeBsdiff40({ steps, added, inserted, targetBytes }: Differences): Generator<undefined, Uint8Array> {
  const streams = [yield* bzip2([stepsAsBytes(steps)]), yield* bzip2([added]), yield* bzip2([inserted])] as const
  const patch = new Uint8Array(HEADER_BYTES_40 + streams.reduce((sum, { length }) => sum + length, 0))
  let at = writeMagic(patch, 'bsdiff40')
  for (const length of [streams[0].length, streams[1].length, targetBytes]) {
    writeOffset(patch, at, length)
    at += OFFSET_BYTES
  }
  for (const stream of streams) {
    patch.set(stream, at)
    at += stream.length
  }
  return patch
}

function stepsAsBytes(steps: Int32Array): Uint8Array {
  const bytes = new Uint8Array(steps.length * OFFSET_BYTES)
  for (const [index, value] of steps.entries()) writeOffset(bytes, index * OFFSET_BYTES, value)
  return bytes
}

/** Patches §3: one bzip2 stream, in which each step is followed by its bytes. */
function* writeBsdiff43(differences: Differences): Generator<undefined, Uint8Array> {
  const stream = yield* bzip2(interleaved(differences))
  const patch = new Uint8Array(HEADER_BYTES_43 + stream.length)
  writeOffset(patch, writeMagic(patch, 'bsdiff43'), differences.targetBytes)
  patch.set(stream, HEADER_BYTES_43)
  return patch
}

function* interleaved({ steps, added, inserted }: Differences): Generator<Uint8Array> {
  let [addedAt, insertedAt] = [0, 0]
  for (let step = 0; step < steps.length; step += 3) {
    const [addedBytes, insertedBytes] = [steps[step]!, steps[step + 1]!]
    yield stepsAsBytes(steps.subarray(step, step + 3))
    yield added.subarray(addedAt, addedAt + addedBytes)
    yield inserted.subarray(insertedAt, insertedAt + insertedBytes)
    addedAt += addedBytes
    insertedAt += insertedBytes
  }
}
