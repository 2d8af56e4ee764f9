import { describe, expect, test } from 'vitest'
import { delayAfter, readRetryAfter } from './retry-schedule.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('the schedule', () => {
  const delays = Array.from({ length: 9 }, (_, index) => delayAfter(index + 1, 0) ?? 0)

  test('is the one that Standard Webhooks suggests', () => {
    expect(delays).toEqual([
      5_000,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ])
  })

  test('ends after ten attempts, within four days even with all the jitter', () => {
    expect(delayAfter(10, 0)).toBeUndefined()
    const longest = delays.reduce((sum, _, index) => sum + (delayAfter(index + 1, 1) ?? 0), 0)
    expect(longest).toBeLessThan(4 * 24 * HOUR)
  })

  test('waits up to a fifth longer', () => {
    expect(delayAfter(2, 0.5)).toBe(5.5 * MINUTE)
    expect(delayAfter(2, 1)).toBe(6 * MINUTE)
  })

  test('never comes sooner than the receiver asks, within a day', () => {
    expect(delayAfter(1, 0, HOUR)).toBe(HOUR)
    expect(delayAfter(4, 0, HOUR)).toBe(2 * HOUR)
    expect(delayAfter(1, 0, 365 * 24 * HOUR)).toBe(24 * HOUR)
    expect(delayAfter(10, 0, HOUR)).toBeUndefined()
  })
})

test.each<[string | undefined, number | undefined]>([
  [undefined, undefined],
  ['120', 120_000],
  ['0', undefined],
  ['-5', undefined],
  ['soon', undefined],
  ['1.5', undefined],
  ['Thu, 01 Jan 1970 00:10:00 GMT', 5 * MINUTE],
  ['Thu, 01 Jan 1970 00:01:00 GMT', undefined],
])('Retry-After: %s is read as %s', (text, expected) => {
  expect(readRetryAfter(text, 5 * MINUTE)).toBe(expected)
})
