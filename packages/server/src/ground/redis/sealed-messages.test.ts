import { fixedClock } from '@hotpatch/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { channelOf, createMessageReader, createMessageWriter, FRESH_MS, MAX_MESSAGE_BYTES } from './sealed-messages.ts'

const KEY = 'a key that all servers of a deployment have'

function pair() {
  const clock = fixedClock()
  const writer = createMessageWriter({ key: KEY, clock })
  const reader = createMessageReader({ key: KEY, clock })
  const write = (body: unknown) => writer.write('topic', body) as Buffer
  return { clock, writer, reader, write }
}

test('what one server tells, another reads: from whom, about what, and what', () => {
  const { writer, reader, write } = pair()
  expect(reader.read(write(['1', 2]))).toEqual({ from: writer.id, topic: 'topic', body: ['1', 2] })
})

test('nobody reads on the way what was told', () => {
  const { write } = pair()
  expect(write('a device of somebody').includes('somebody')).toBe(false)
})

test('it is read once, and nothing that was told before it is read after it', () => {
  const { reader, write } = pair()
  const [first, second] = [write(1), write(2)]
  expect(reader.read(second)).toMatchObject({ body: 2 })
  expect(reader.read(second)).toBeUndefined()
  expect(reader.read(first)).toBeUndefined()
  expect(reader.read(write(3))).toMatchObject({ body: 3 })
})

test('what was told long ago is refused, also by a server that has heard nothing yet', () => {
  const { clock, write } = pair()
  const message = write(1)
  clock.advance(FRESH_MS)
  expect(createMessageReader({ key: KEY, clock }).read(message)).toBeDefined()
  clock.advance(1)
  expect(createMessageReader({ key: KEY, clock }).read(message)).toBeUndefined()
})

test('a message stays refused when whoever sent it is forgotten', () => {
  const { clock, reader, write } = pair()
  const messages = Array.from({ length: 20 }, () => write('told'))
  for (const message of messages) expect(reader.read(message)).toBeDefined()
  for (let seconds = 0; seconds < 600; seconds += 15) {
    clock.advance(15_000)
    // Somebody else, so that it is looked who is forgotten.
    expect(reader.read(createMessageWriter({ key: KEY, clock }).write('topic', null) as Buffer)).toBeDefined()
    for (const message of messages) expect(reader.read(message)).toBeUndefined()
  }
})

test('with another key it is neither read nor heard', () => {
  const { clock, write } = pair()
  const other = 'a key that servers of another deployment have'
  expect(createMessageReader({ key: other, clock }).read(write(1))).toBeUndefined()
  expect(channelOf(other)).not.toBe(channelOf(KEY))
  expect(channelOf(KEY)).toMatch(/^hotpatch:[0-9a-f]{16}$/)
})

test('whatever else comes is refused', () => {
  const { reader } = pair()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(reader.read(Buffer.from(bytes))).toBeUndefined()
    }),
  )
})

test('of a message no bit can be changed, and none left out', () => {
  const { reader, write } = pair()
  const message = write('the whole of it')
  for (let bit = 0; bit < message.length * 8; bit++) {
    const changed = Buffer.from(message)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(reader.read(changed)).toBeUndefined()
  }
  for (let length = 0; length < message.length; length++)
    expect(reader.read(message.subarray(0, length))).toBeUndefined()
  expect(reader.read(message)).toBeDefined()
})

test('what is too long is not written, and not read', () => {
  const { reader, write } = pair()
  expect(write('x'.repeat(MAX_MESSAGE_BYTES))).toBeUndefined()
  expect(reader.read(write('x'.repeat(MAX_MESSAGE_BYTES - 200)))).toBeDefined()
  expect(reader.read(Buffer.alloc(MAX_MESSAGE_BYTES + 1, 1))).toBeUndefined()
})
