import { BUCKETS } from '@hotpatch/api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../ground/clock.ts'
import { bucketsOf, elapsedIn, fillBuckets, nextBucket, readTimeRange } from './time-range.ts'

const NOW = Date.UTC(2026, 5, 17, 10, 30)
const iso = (at: number) => new Date(at).toISOString()

const ranges = fc
  .record({
    from: fc.integer({ min: Date.UTC(2020, 0), max: NOW }),
    length: fc.integer({ min: 1, max: 80 * DAY_MS }),
    bucket: fc.constantFrom(...BUCKETS),
  })
  .map(({ from, length, bucket }) => readTimeRange({ from: iso(from), to: iso(from + length), bucket }, NOW))

describe('a range of time', () => {
  test('is the last seven days by day when nothing is said, and two days by hour', () => {
    expect(readTimeRange({}, NOW)).toEqual({ from: NOW - 7 * DAY_MS - HOUR_MS / 2, to: NOW + 1, bucket: 'day' })
    expect(readTimeRange({ from: iso(NOW - 2 * DAY_MS) }, NOW)).toMatchObject({ bucket: 'hour' })
    expect(readTimeRange({ to: iso(NOW - DAY_MS) }, NOW)).toMatchObject({ to: NOW - DAY_MS })
  })

  test('of weeks begins on Mondays, of months on first days', () => {
    const starts = (bucket: 'week' | 'month') =>
      bucketsOf({ from: Date.UTC(2026, 1, 27, 5), to: Date.UTC(2026, 2, 9, 1), bucket }).map(iso)
    expect(starts('week')).toEqual(['2026-02-23', '2026-03-02', '2026-03-09'].map((date) => `${date}T00:00:00.000Z`))
    expect(starts('month')).toEqual(['2026-02-01', '2026-03-01'].map((date) => `${date}T00:00:00.000Z`))
  })

  test('its buckets follow each other without a gap and cover it', () => {
    fc.assert(
      fc.property(ranges, (range) => {
        const starts = bucketsOf(range)
        expect(starts.length).toBeLessThanOrEqual(2000)
        expect(starts[0]).toBeLessThanOrEqual(range.from)
        for (const [index, at] of starts.entries()) {
          const next = nextBucket(range.bucket, at)
          if (index + 1 < starts.length) expect(starts[index + 1]).toBe(next)
          else expect(next).toBeGreaterThanOrEqual(range.to)
        }
        const elapsed = starts.reduce((sum, at) => sum + elapsedIn(range, at, range.to), 0)
        expect(elapsed).toBe(range.to - range.from)
      }),
    )
  })

  test('nothing that is counted in it is lost between buckets', () => {
    fc.assert(
      fc.property(ranges, fc.array(fc.tuple(fc.nat(), fc.nat(1000)), { maxLength: 30 }), (range, counted) => {
        const hours = Math.ceil((range.to - range.from) / HOUR_MS)
        const rows = counted.map(([hour, count]) => ({ at: range.from + (hour % hours) * HOUR_MS, count }))
        const sum = (points: readonly { count: number }[]) => points.reduce((total, { count }) => total + count, 0)
        expect(sum(fillBuckets(range, rows, ['count']))).toBe(sum(rows))
      }),
    )
  })
})
