import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sortSuffixes } from './suffix-array.ts'

function sorted(text: Uint8Array): Int32Array {
  const work = sortSuffixes(text)
  for (;;) {
    const turn = work.next()
    if (turn.done) return turn.value
  }
}

function sortedByComparing(text: Uint8Array): number[] {
  return Array.from(text.keys()).sort((a, b) => Buffer.compare(text.subarray(a), text.subarray(b)))
}

/** Texts of few letters have long repeats, and so go several levels deep. */
const texts = fc
  .tuple(fc.constantFrom(1, 2, 3, 256), fc.uint8Array({ maxLength: 300 }))
  .map(([letters, bytes]) => bytes.map((byte) => (byte % letters) + (letters === 256 ? 0 : 254 - letters)))

test('the order is that of comparing', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(Array.from(sorted(text))).toEqual(sortedByComparing(text))
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  ['repeats of repeats', 'abaababaabaababaababaabaababaabaab'.repeat(20)],
  ['one letter', 'a'.repeat(2_000)],
  ['rising and falling', 'abcdefedcb'.repeat(100)],
])('%s', (_name, text) => {
  const bytes = Buffer.from(text)
  expect(Array.from(sorted(bytes))).toEqual(sortedByComparing(bytes))
})
