import { expect, test, vi } from 'vitest'
import { MINUTE_MS } from '../../ground/clock.ts'
import { StorageError } from '../../ground/storage/storage-error.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { createKnownObjects } from './known-objects.ts'

const OBJECT = { sizeBytes: 6, modifiedAt: new Date(0) }

function aStorage() {
  let now = 0
  const stat = vi.fn<StorageDriver['stat']>(() => Promise.resolve(OBJECT))
  const elsewhere = createKnownObjects({ storage: { stat, isReachable: () => true }, clock: { now: () => now } })
  const onDisk = createKnownObjects({ storage: { stat }, clock: { now: () => now } })
  return { stat, elsewhere, onDisk, pass: (ms: number) => void (now += ms) }
}

test('a storage elsewhere is asked now and then, and the disk each time', async () => {
  const { stat, elsewhere, onDisk, pass } = aStorage()
  for (const key of ['a', 'a']) expect(await elsewhere.stat(key)).toEqual(OBJECT)
  expect(stat).toHaveBeenCalledTimes(1)
  pass(5 * MINUTE_MS)
  await elsewhere.stat('a')
  expect(stat).toHaveBeenCalledTimes(2)
  for (const key of ['a', 'a']) await onDisk.stat(key)
  expect(stat).toHaveBeenCalledTimes(4)
})

test('what was not there is asked for again', async () => {
  const { stat, elsewhere } = aStorage()
  stat.mockResolvedValueOnce(undefined)
  expect(await elsewhere.stat('a')).toBeUndefined()
  expect(await elsewhere.stat('a')).toEqual(OBJECT)
})

test('while nobody answers, what was there is believed, and a refusal is told', async () => {
  const { stat, elsewhere, pass } = aStorage()
  await elsewhere.stat('a')
  pass(60 * MINUTE_MS)
  stat.mockRejectedValue(new StorageError('unreachable', 'nobody answers'))
  expect(await elsewhere.stat('a')).toEqual(OBJECT)
  await expect(elsewhere.stat('b')).rejects.toThrow('nobody answers')
  stat.mockRejectedValue(new StorageError('refused', 'no right'))
  await expect(elsewhere.stat('a')).rejects.toThrow('no right')
})

test('it knows only so many', async () => {
  const { stat, elsewhere } = aStorage()
  for (let index = 0; index <= 10_000; index += 1) await elsewhere.stat(String(index))
  await elsewhere.stat('10000')
  expect(stat).toHaveBeenCalledTimes(10_001)
  await elsewhere.stat('0')
  expect(stat).toHaveBeenCalledTimes(10_002)
})
