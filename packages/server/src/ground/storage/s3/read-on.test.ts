import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ByteRange } from '../storage-driver.ts'
import { readOn, type SentBytes } from './read-on.ts'

const OBJECT = randomBytes(100_000)

type Sending = (bytes: Buffer) => Readable

/** A store that sends each time in another way, the last way again and again. */
function aStore(...ways: Sending[]) {
  const asked: (ByteRange | undefined)[] = []
  async function ask(range?: ByteRange): Promise<SentBytes | undefined> {
    const way = ways[Math.min(asked.length, ways.length - 1)] as Sending
    asked.push(range)
    const sent = range ?? { start: 0, end: OBJECT.length - 1 }
    const bytes = way(OBJECT.subarray(sent.start, sent.end + 1))
    return { bytes, range: sent, sizeBytes: OBJECT.length }
  }
  return { ask, asked }
}

const whole: Sending = (bytes) => Readable.from([bytes])
const breakingOff =
  (after: number): Sending =>
  (bytes) => {
    async function* send() {
      yield bytes.subarray(0, after)
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    }
    return Readable.from(send())
  }
const endingEarly =
  (after: number): Sending =>
  (bytes) =>
    Readable.from([bytes.subarray(0, after)])
const fallingSilent =
  (after: number): Sending =>
  (bytes) => {
    const stream = new Readable({ read: () => undefined })
    stream.push(bytes.subarray(0, after))
    return stream
  }

async function read({ ask }: ReturnType<typeof aStore>, range?: ByteRange): Promise<Buffer> {
  const stream = await readOn(ask, range, { silenceMs: 20 })
  if (!stream) throw new Error('There is no such object.')
  return buffer(stream)
}

test.each([
  ['breaks off', breakingOff],
  ['ends early without a word', endingEarly],
  ['falls silent', fallingSilent],
])('a store that %s is asked for the rest, and nothing comes twice', async (_, way) => {
  const store = aStore(way(30_000), way(1), way(0), whole)
  expect((await read(store)).equals(OBJECT)).toBe(true)
  expect(store.asked.map((range) => range?.start)).toEqual([undefined, 30_000, 30_001, 30_001])
})

test('the rest of a range ends where the range does', async () => {
  const store = aStore(breakingOff(10), whole)
  expect((await read(store, { start: 50, end: 99 })).equals(OBJECT.subarray(50, 100))).toBe(true)
  expect(store.asked).toEqual([
    { start: 50, end: 99 },
    { start: 60, end: 99 },
  ])
})

test('a store that breaks off again and again is given up, with an error', async () => {
  const store = aStore(breakingOff(1))
  await expect(read(store)).rejects.toThrow('broke off 6 times')
  expect(store.asked).toHaveLength(6)
})

test('an object that is another one now, or gone, is not put together with what came', async () => {
  const other = aStore(breakingOff(10), whole)
  const asOther = async (range?: ByteRange) => {
    const sent = await other.ask(range)
    return sent && { ...sent, sizeBytes: range ? 1 : sent.sizeBytes }
  }
  await expect(read({ ...other, ask: asOther })).rejects.toThrow('bytes 10-99999 of 100000, and sent 10-99999 of 1.')
  const gone = aStore(breakingOff(10))
  const thenGone = async (range?: ByteRange) => (range ? undefined : gone.ask())
  await expect(read({ ...gone, ask: thenGone })).rejects.toThrow('lost an object')
})

test('a store that knows no ranges is found out', async () => {
  const store = aStore(whole)
  await expect(read({ ...store, ask: () => store.ask() }, { start: 1, end: 2 })).rejects.toThrow(
    'asked for the bytes 1-2 of 100000, and sent 0-99999 of 100000',
  )
})

test('more than was asked for is an error, and nothing at all is nothing', async () => {
  const more = aStore((bytes) => Readable.from([bytes, Buffer.from('more')]))
  await expect(read(more)).rejects.toThrow('sent more')
  const empty = async () => ({ bytes: Readable.from([]), range: { start: 0, end: -1 }, sizeBytes: 0 })
  expect(await read({ ask: empty, asked: [] })).toEqual(Buffer.alloc(0))
  expect(await readOn(async () => undefined)).toBeUndefined()
})

test('whoever stops reading lets the connection go, and nobody is asked again', async () => {
  const store = aStore(fallingSilent(10))
  let sent: SentBytes | undefined
  const stream = await readOn(async (range) => (sent = await store.ask(range)))
  await once(stream as Readable, 'readable')
  // It waits for more, which does not come.
  stream?.read()
  stream?.destroy()
  await once(stream as Readable, 'close')
  expect([sent?.bytes.destroyed, store.asked.length]).toEqual([true, 1])
})
