import { describe, expect, test } from 'vitest'
import { periodsBetween, startOfPeriod } from './periods.ts'

describe('when a period began', () => {
  test.each([
    ['hour', '2026-03-04T05:59:59.999Z', '2026-03-04T05:00:00.000Z'],
    ['day', '2026-03-04T05:59:59.999Z', '2026-03-04T00:00:00.000Z'],
    ['week', '2026-03-04T05:59:59.999Z', '2026-03-02T00:00:00.000Z'],
    ['week', '2026-03-02T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
    ['week', '2026-03-01T23:59:59.999Z', '2026-02-23T00:00:00.000Z'],
    ['week', '1970-01-05T00:00:00.000Z', '1970-01-05T00:00:00.000Z'],
    ['month', '2028-02-29T23:00:00.000Z', '2028-02-01T00:00:00.000Z'],
    ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z'],
  ] as const)('%s of %s', (period, at, expected) => {
    expect(new Date(startOfPeriod(period, Date.parse(at))).toISOString()).toBe(expected)
  })
})

describe('the periods that a time is the first in', () => {
  const between = (earlier: string | undefined, at: string) =>
    periodsBetween(earlier === undefined ? undefined : Date.parse(earlier), Date.parse(at)).map(({ period }) => period)

  test.each([
    [undefined, '2026-03-04T05:30:00Z', ['hour', 'day', 'week', 'month']],
    ['2026-03-04T05:00:00Z', '2026-03-04T05:30:00Z', []],
    ['2026-03-04T04:59:59Z', '2026-03-04T05:00:00Z', ['hour']],
    ['2026-03-03T23:59:59Z', '2026-03-04T00:00:00Z', ['hour', 'day']],
    ['2026-03-01T23:59:59Z', '2026-03-02T00:00:00Z', ['hour', 'day', 'week']],
    ['2026-03-31T23:59:59Z', '2026-04-01T00:00:00Z', ['hour', 'day', 'month']],
    ['2026-03-04T05:30:00Z', '2026-03-04T03:00:00Z', []],
  ])('after %s at %s', (earlier, at, expected) => {
    expect(between(earlier, at)).toEqual(expected)
  })
})
