import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PatchError } from '../ground/patch-error.ts'
import { bzip2 } from './compress.ts'
import { createBunzip2 } from './decompress.ts'

const BZIP2 = process.env.BZIP2_PATH ?? ''

function packed(...pieces: Uint8Array[]): Uint8Array {
  const work = bzip2(pieces)
  for (;;) {
    const turn = work.next()
    if (turn.done) return turn.value
  }
}

function unpacked(stream: Uint8Array, length: number, step = 70_000): Buffer {
  const bytes = Buffer.alloc(length)
  const reader = createBunzip2(stream)
  for (let at = 0; at < length;) {
    const to = Math.min(length, at + step)
    const end = reader.readInto(bytes, at, to)
    if (end < to) throw new Error(`only ${end} of ${length} bytes`)
    at = end
  }
  reader.end()
  return bytes
}

/** Runs of every length, which the format writes in another way. */
const contents = fc
  .array(fc.tuple(fc.nat(3), fc.oneof(fc.nat(8), fc.integer({ min: 250, max: 520 }))), { maxLength: 60 })
  .map((runs) => Buffer.concat(runs.map(([byte, length]) => Buffer.alloc(length, byte * 80))))

const squares = (length: number) => Buffer.from(Array.from({ length }, (_, index) => (index * index) % 251))

const CASES: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('a')],
  ['as many equal bytes as a run begins with', Buffer.from('aaaa')],
  ['the longest run', Buffer.alloc(255, 7)],
  ['one more', Buffer.alloc(256, 7)],
  ['a run at the end of a block', Buffer.concat([squares(899_975), Buffer.alloc(600, 1), squares(100)])],
  ['blocks that cannot be packed', randomBytes(100_000)],
  ['every byte, few of them often', squares(60_000)],
]

test('what was packed comes out, whatever pieces it went in and comes out by', () => {
  fc.assert(
    fc.property(contents, fc.nat(500), fc.integer({ min: 1, max: 400 }), (bytes, cut, step) => {
      expect(unpacked(packed(bytes.subarray(0, cut), bytes.subarray(cut)), bytes.length, step)).toEqual(bytes)
    }),
  )
})

test.each(CASES)('%s', (_name, bytes) => {
  expect(unpacked(packed(bytes), bytes.length).equals(bytes)).toBe(true)
})

describe.skipIf(BZIP2 === '')("Debian's bzip2", () => {
  test.each(CASES)('reads ours, and we read its: %s', (_name, bytes) => {
    const run = (args: string[], input: Uint8Array) => execFileSync(BZIP2, args, { input, maxBuffer: 2 ** 30 })
    expect(run(['-dc'], packed(bytes)).equals(bytes)).toBe(true)
    for (const level of ['-1', '-9']) {
      expect(unpacked(run([level, '-c'], bytes), bytes.length).equals(bytes)).toBe(true)
    }
  })
})

test('a stream whose bits were changed is refused, or gives as much as it is asked for', () => {
  const stream = packed(Buffer.from('the quick brown fox jumps over the lazy dog, '.repeat(40)))
  fc.assert(
    fc.property(
      fc.array(fc.nat(stream.length * 8 - 1), { minLength: 1, maxLength: 4 }),
      fc.nat(stream.length),
      (bits, cut) => {
        const changed = stream.slice(0, cut % 3 === 0 ? cut : stream.length)
        for (const bit of bits) if (bit >> 3 < changed.length) changed[bit >> 3]! ^= 0x80 >> (bit & 7)
        try {
          createBunzip2(changed).readInto(new Uint8Array(5_000), 0, 5_000)
        } catch (error) {
          expect(error).toBeInstanceOf(PatchError)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a small stream of several blocks costs what is asked of it', () => {
  const zeros = Buffer.alloc(50_000_000)
  const stream = packed(zeros)
  expect(stream.length).toBeLessThan(150)
  expect(unpacked(stream, zeros.length).equals(zeros)).toBe(true)
  const asked = new Uint8Array(10)
  const reader = createBunzip2(stream)
  expect(reader.readInto(asked, 0, 10)).toBe(10)
  expect(() => reader.end()).toThrow('found more in it')
})

test('whatever else begins like a stream is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const stream = Buffer.concat([Buffer.from('BZh9\x31\x41\x59\x26\x53\x59', 'latin1'), bytes])
      expect(() => unpacked(stream, 1_000)).toThrow(PatchError)
    }),
  )
})
