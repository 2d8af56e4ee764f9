import { expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import { createHourTally } from './hour-tally.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

test('counts by hour and keys', () => {
  const tally = createHourTally({ maxCells: 10 })
  tally.add(NOON, ['app', 'update'], 5)
  tally.add(NOON + HOUR_MS - 1, ['app', 'update'], 7)
  tally.add(NOON, ['app', 'up-to-date'])
  tally.add(NOON + HOUR_MS, ['app', 'update'])
  expect(tally.take()).toEqual([
    { hourAt: NOON, keys: ['app', 'update'], count: 2, bytes: 12 },
    { hourAt: NOON, keys: ['app', 'up-to-date'], count: 1, bytes: 0 },
    { hourAt: NOON + HOUR_MS, keys: ['app', 'update'], count: 1, bytes: 0 },
  ])
  expect(tally.take()).toEqual([])
})

test('what was taken is not counted again', () => {
  const tally = createHourTally({ maxCells: 10 })
  tally.add(NOON, ['app'])
  const [taken] = tally.take()
  tally.add(NOON, ['app'])
  expect(taken?.count).toBe(1)
  expect(tally.take()).toMatchObject([{ count: 1 }])
})

test('a clock that was set back goes on with the cells of that hour', () => {
  const tally = createHourTally({ maxCells: 10 })
  for (const at of [NOON, NOON - HOUR_MS, NOON]) tally.add(at, ['app'])
  expect(tally.take().map(({ hourAt, count }) => [hourAt, count])).toEqual([
    [NOON, 2],
    [NOON - HOUR_MS, 1],
  ])
})

test('is bounded: what would be new is dropped and counted, what is there goes on', () => {
  const tally = createHourTally({ maxCells: 2 })
  for (const key of ['a', 'b', 'c', 'd', 'a']) tally.add(NOON, ['app', key])
  expect(tally.size()).toBe(2)
  expect(tally.dropped()).toBe(2)
  expect(tally.take().map(({ keys, count }) => [keys[1], count])).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})
