import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { COHORT_LIMITS } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { readDeviceIdsFromCsv } from './read-csv.ts'

const PART_BYTES = 64 * 1024

test('a large file is read in parts, between which others get their turn', async () => {
  const rows = Array.from({ length: 40_000 }, (_, index) => `device-${index},"a, b"`)
  const file = Buffer.from(`device_id,owner\n${rows.join('\n')}`)
  let turns = 0
  const done = new AbortController()
  const others = (async () => {
    for (; !done.signal.aborted; turns++) await setImmediate()
  })()
  const ids = await readDeviceIdsFromCsv(Readable.from([file]))
  done.abort()
  await others
  expect(ids).toHaveLength(40_000)
  expect([ids[0], ids.at(-1)]).toEqual(['device-0', 'device-39999'])
  expect(turns).toBeGreaterThanOrEqual(Math.floor(file.length / PART_BYTES))
})

test.each([
  ['semicolons', 'device_id;owner\r\na;"x, y"\r\nb;z\r\n'],
  ['semicolons after a byte order mark', '\uFEFFDevice ID;Owner\na;x\nb;y'],
  ['tabs', 'id\towner\na\tx, y\nb\tz'],
  ['commas, and semicolons in a value', '"a","x;y"\nb,"x;y"'],
  ['nothing', 'a\nb'],
])('columns may be divided by %s', async (_case, text) => {
  expect(await readDeviceIdsFromCsv(Readable.from([Buffer.from(text)]))).toEqual(['a', 'b'])
})

test('a character that is in two parts is one', async () => {
  const id = '😀'.repeat(100)
  const file = Buffer.from(`${id}\n`.repeat(500))
  expect(new Set(await readDeviceIdsFromCsv(Readable.from([file])))).toEqual(new Set([id]))
})

test.each<[string, () => AsyncGenerator<Buffer> | Buffer[], string]>([
  ['more bytes than it may have', manyBytes, 'body-too-large'],
  ['more devices than a cohort may have', manyRows, 'invalid-request'],
  ['a row without an end', () => [Buffer.from(`"${'x'.repeat(20_000)}`)], 'invalid-request'],
])('a file with %s is refused, and the connection left as it is', async (_case, make, type) => {
  const file = Readable.from(make())
  await expect(readDeviceIdsFromCsv(file)).rejects.toMatchObject({ type })
  expect(file.destroyed).toBe(false)
})

async function* manyBytes() {
  for (let sent = 0; sent <= COHORT_LIMITS.csvBytes; sent += PART_BYTES) yield Buffer.alloc(PART_BYTES, '\n')
}

async function* manyRows() {
  for (let row = 0; row < 2 * COHORT_LIMITS.devicesOfCohort; row += 1_000) yield Buffer.from('x\n'.repeat(1_000))
}
