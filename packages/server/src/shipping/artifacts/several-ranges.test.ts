import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_RANGES, readRanges } from './byte-ranges.ts'
import { severalRanges } from './several-ranges.ts'

const BOUNDARY = 'b'.repeat(64)

function partsOf(bytes: Buffer, header: string) {
  const ranges = readRanges(header, bytes.length)
  if (ranges === undefined || ranges === 'unsatisfiable') return ranges
  return severalRanges({ ranges, sizeBytes: bytes.length, contentType: 'application/zip', boundary: BOUNDARY })
}

function inPieces(bytes: Buffer): Readable {
  const pieces = []
  for (let at = 0; at < bytes.length; at += 7) pieces.push(bytes.subarray(at, at + 7))
  return Readable.from(pieces)
}

/** As strict as the strictest client: nothing before the first delimiter, nothing after the last, exact lengths. */
function readParts(body: Buffer, boundary: string) {
  const parts: { range: string; type: string; bytes: Buffer }[] = []
  let at = 0
  const take = (expected: string) => {
    expect(body.subarray(at, at + expected.length).toString('latin1')).toBe(expected)
    at += expected.length
  }
  while (true) {
    take(`${at === 0 ? '' : '\r\n'}--${boundary}`)
    if (body.subarray(at).toString('latin1') === '--\r\n') return parts
    const headEnd = body.indexOf('\r\n\r\n', at)
    const head = body.subarray(at, headEnd).toString('latin1')
    const [, type = '', range = ''] = /^\r\ncontent-type: (.+)\r\ncontent-range: (.+)$/.exec(head) ?? []
    const [, first, last] = /^bytes (\d+)-(\d+)\/\d+$/.exec(range) ?? []
    at = headEnd + 4
    const bytes = body.subarray(at, at + Number(last) - Number(first) + 1)
    at += bytes.length
    parts.push({ range, type, bytes })
  }
}

test('every part that is asked for comes by itself, in its order, with the announced length', async () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(320), fc.nat(40)).map(([start, more]) => ({ text: `${start}-${start + more}`, start, more })),
    fc.nat(320).map((start) => ({ text: `${start}-`, start, more: Infinity })),
    fc.integer({ min: 1, max: 400 }).map((last) => ({ text: `-${last}`, start: -last, more: Infinity })),
  )
  const glue = fc.constantFrom(',', ', ', ' ,', ',, ')
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.array(spec, { minLength: 1 }),
      glue,
      async (content, specs, comma) => {
        const bytes = Buffer.from(content)
        const answer = partsOf(bytes, `bytes=${specs.map(({ text }) => text).join(comma)}`)
        // What a file gives by itself when it is cut.
        const expected = specs
          .map(({ start, more }) => bytes.subarray(start, start < 0 ? undefined : start + more + 1))
          .filter(({ length }) => length > 0)
        const total = expected.reduce((sum, { length }) => sum + length, 0)
        if (expected.length === 0) {
          expect(answer).toBe('unsatisfiable')
          return
        }
        if (total > bytes.length) {
          expect(answer).toBeUndefined()
          return
        }
        if (typeof answer !== 'object') throw new Error(`Expected parts, found ${answer}.`)
        const body = await buffer(answer.body(inPieces(Buffer.concat(expected))))
        expect(body.length).toBe(answer.sizeBytes)
        const parts = readParts(body, BOUNDARY)
        expect(parts.map((part) => part.bytes)).toEqual(expected)
        expect(parts.every(({ type }) => type === 'application/zip')).toBe(true)
      },
    ),
  )
})

test.each([
  ['as many as there may be', MAX_RANGES, MAX_RANGES],
  ['more than there may be', MAX_RANGES + 1, undefined],
])('%s', (_what, count, expected) => {
  const header = `bytes=${Array.from({ length: count }, (_, index) => `${index * 2}-${index * 2}`).join(',')}`
  expect(readRanges(header, 10_000)?.length).toBe(expected)
})

test.each(['bytes=0-1, 5-2', 'bytes=0-1, a-b', 'bytes=0-1; 2-3', 'items=0-1, 2-3', 'bytes=,', 'bytes=0-9, 0-9'])(
  'the whole for %s',
  (header) => {
    expect(readRanges(header, 10)).toBeUndefined()
  },
)

test('nothing is read ahead of whoever takes it, and what is read is closed with it', async () => {
  const answer = partsOf(Buffer.alloc(4_000_000), 'bytes=0-1999999, 2000000-3999999')
  if (typeof answer !== 'object') throw new Error('Expected parts.')
  let read = 0
  const bytes = Readable.from(
    (function* () {
      for (; read < 4_000_000; read += 10_000) yield Buffer.alloc(10_000)
    })(),
    { objectMode: false },
  )
  const body = answer.body(bytes)
  await once(body, 'readable')
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  expect(read).toBeLessThan(500_000)
  body.destroy()
  await once(body, 'close')
  expect(bytes.destroyed).toBe(true)
})

test('whoever leaves lets the bytes go, also while none come', async () => {
  const answer = partsOf(Buffer.alloc(100), 'bytes=0-1, 5-6')
  if (typeof answer !== 'object') throw new Error('Expected parts.')
  const bytes = new Readable({ read: () => undefined })
  const body = answer.body(bytes)
  body.read()
  body.destroy()
  await once(body, 'close')
  expect(bytes.destroyed).toBe(true)
})

test.each([
  ['break off', ['a', new Error('EIO')], 'EIO'],
  ['are too many', ['abcde'], 'found more'],
])('bytes that %s end all of it', async (_what, chunks, message) => {
  const answer = partsOf(randomBytes(100), 'bytes=0-1, 5-6')
  if (typeof answer !== 'object') throw new Error('Expected parts.')
  const bytes = Readable.from(
    (function* () {
      for (const chunk of chunks) {
        if (chunk instanceof Error) throw chunk
        yield Buffer.from(chunk)
      }
    })(),
    { objectMode: false },
  )
  await expect(buffer(answer.body(bytes))).rejects.toThrow(message)
})
