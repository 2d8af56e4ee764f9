import { PatchError } from '@hotpatch/delta'
import { applyUnverified } from '../../packages/delta/src/bsdiff/apply-bsdiff.ts'
import { createBunzip2 } from '../../packages/delta/src/bzip2/decompress.ts'
import { applySteps } from '../../packages/delta/src/bsdiff/apply-steps.ts'
import { createByteReader } from '../../packages/delta/src/ground/byte-reader.ts'
import { readOffset } from '../../packages/delta/src/bsdiff/offsets.ts'
import { Broken, type Target } from '../engine/target.ts'
import { readerFor } from '../reading/texts.ts'

const BASE = Buffer.from('the quick brown fox jumps over the lazy dog, and the dog does not mind. '.repeat(4))
const ANNOUNCED = [0, 16, 320, 5_000]

const READERS: readonly ((patch: Uint8Array) => void)[] = [
  (patch) => {
    const [first = 0] = patch
    const announced = ANNOUNCED[first % ANNOUNCED.length] ?? 0
    const made = applyUnverified(patch.subarray(1), BASE, announced)
    if (made.length !== announced) throw new Broken('another size than was announced')
  },
  (packed) => {
    const bytes = new Uint8Array(20_000)
    const stream = createBunzip2(packed)
    const end = stream.readInto(bytes, 0, bytes.length)
    if (end > bytes.length) throw new Broken('more bytes than were asked for')
    if (end < bytes.length) stream.end()
  },
  // What no compression hides: three numbers, then what is added, then what is inserted.
  (plain) => {
    const reader = createByteReader(plain, 'the steps')
    const target = new Uint8Array(64)
    applySteps(BASE, target, {
      readStep: (step) => {
        const bytes = reader.take(24)
        for (let index = 0; index < 3; index++) step[index] = readOffset(bytes, 8 * index)
      },
      readAdded: (made, from, to) => made.set(reader.take(to - from), from),
      readInserted: (made, from, to) => made.set(reader.take(to - from), from),
      end: () => reader.end(),
    })
  },
]

export const target: Target = {
  reads: 'patches of bsdiff 4.0 and 4.3, their compression, their steps',
  maxBytes: 1_500,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    read(bytes)
  },
  refuses: (error) => error instanceof PatchError,
}

export async function seeds() {
  const { makeBsdiff } = await import('@hotpatch/delta/make')
  const target = Buffer.from(`${BASE.toString().replaceAll('fox', 'cat').slice(0, 300)}and then some more!!`)
  const made = await makeBsdiff(BASE, target.subarray(0, 320), {
    formats: ['bsdiff40', 'bsdiff43'],
    maxMemoryBytes: 2 ** 28,
  })
  const steps = Buffer.alloc(24)
  steps.writeUInt32LE(32, 0)
  steps.writeUInt32LE(32, 8)
  return [
    ...made.map((patch) => Buffer.concat([Buffer.of(0, 2), patch])),
    ...made.map((patch) => Buffer.concat([Buffer.of(1), patch.subarray(patch.indexOf(0x42, 4))])),
    ...made.map((patch) => Buffer.concat([Buffer.of(1), patch.subarray(32)])),
    Buffer.concat([Buffer.of(2), steps, Buffer.alloc(64, 1)]),
  ]
}
