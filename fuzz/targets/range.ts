import { readRanges } from '../../packages/server/src/shipping/artifacts/byte-ranges.ts'
import { Broken, type Target } from '../engine/target.ts'
import { textOf } from '../reading/texts.ts'

const SIZES = [0, 1, 1_000, 2 ** 40]

export const target: Target = {
  reads: 'the header Range',
  maxBytes: 300,
  read(input) {
    const [first = 0] = input
    const sizeBytes = SIZES[first % SIZES.length] ?? 0
    const ranges = readRanges(textOf(input.subarray(1)), sizeBytes)
    if (ranges === undefined || ranges === 'unsatisfiable') return
    let sum = 0
    for (const { start, end } of ranges) {
      if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start || end >= sizeBytes) {
        throw new Broken('a range outside of the bytes')
      }
      sum += end - start + 1
    }
    if (sum > sizeBytes) throw new Broken('ranges of more than the whole')
  },
  refuses: () => false,
}

export function seeds() {
  const headers = [
    'bytes=0-',
    'bytes=0-99',
    'bytes=-500',
    'bytes=0-0,-1',
    'bytes= 500-600 , 601-999',
    'Bytes=9-1',
    'bytes=,,1-2',
    'items=1-2',
  ]
  return headers.flatMap((header) => SIZES.map((_, index) => `${String.fromCharCode(index)}${header}`))
}
