import { DEFAULT_GUARD } from '@hotpatch/api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alphaOf, badToTrip, FALSE_ALARMS, judgeHealth, MINIMUM_BAD, type HealthQuestion } from './judge-health.ts'
import { stopsOf } from './testing/simulate-guard.ts'

const ask = (changes: Partial<HealthQuestion> = {}) => {
  const sample = changes.sample ?? 100
  return judgeHealth({
    settings: DEFAULT_GUARD,
    sample,
    bad: 0,
    previous: null,
    looks: 0,
    attempted: sample,
    lastAttempted: 0,
    isOverdue: false,
    ...changes,
  })
}

describe('a guard', () => {
  test('concludes nothing from too few', () => {
    expect(ask({ sample: 49, bad: 49 })).toMatchObject({ verdict: 'too-few', looks: 0 })
    expect(ask({ sample: 50, bad: 49 })).toMatchObject({ verdict: 'trip', cause: 'limit', looks: 1 })
  })

  test('looks again when a tenth came on top, or when it is time', () => {
    const looked = { sample: 109, looks: 1, lastAttempted: 100 }
    expect(ask(looked)).toMatchObject({ verdict: 'no-look', looks: 1, lastAttempted: 100 })
    expect(ask({ ...looked, isOverdue: true })).toMatchObject({ verdict: 'green', looks: 2, lastAttempted: 109 })
    expect(ask({ ...looked, sample: 110 })).toMatchObject({ verdict: 'green', looks: 2, lastAttempted: 110 })
  })

  test('looks at a window that has slid when a tenth of it is new', () => {
    const slid = { sample: 100, attempted: 5009, looks: 40, lastAttempted: 5000 }
    expect(ask(slid)).toMatchObject({ verdict: 'no-look' })
    expect(ask({ ...slid, attempted: 5010 })).toMatchObject({ verdict: 'green', lastAttempted: 5010 })
  })

  test('does not mind two devices', () => {
    const settings = { ...DEFAULT_GUARD, maxBadPercent: 0.001 }
    expect(ask({ settings, sample: 50, bad: MINIMUM_BAD - 1 }).verdict).toBe('green')
    expect(ask({ settings, sample: 50, bad: MINIMUM_BAD }).verdict).toBe('trip')
  })

  test('compares with the release before', () => {
    const previous = { sample: 100_000, bad: 200 }
    expect(ask({ sample: 2000, bad: 60 }).verdict).toBe('green')
    expect(ask({ sample: 2000, bad: 60, previous })).toMatchObject({
      verdict: 'trip',
      cause: 'previous',
      figures: { badPercent: 3, maxBadPercent: 5, previous: { sample: 100_000, bad: 200, badPercent: 0.2 } },
    })
    const settings = { ...DEFAULT_GUARD, maxTimesPrevious: null }
    expect(ask({ settings, sample: 2000, bad: 60, previous }).verdict).toBe('green')
  })

  test('does not mind what is worse for certain but not by much', () => {
    const settings = { ...DEFAULT_GUARD, maxBadPercent: 50 }
    const previous = { sample: 1_000_000, bad: 20_000 }
    expect(ask({ settings, sample: 100_000, bad: 3900, previous }).verdict).toBe('green')
    expect(ask({ settings, sample: 100_000, bad: 4100, previous }).verdict).toBe('trip')
  })

  test('says at how many it would trip', () => {
    const at = badToTrip({ settings: DEFAULT_GUARD, sample: 1000, previous: null, looks: 3 }) ?? 0
    expect(ask({ sample: 1000, bad: at, looks: 3 }).verdict).toBe('trip')
    expect(ask({ sample: 1000, bad: at - 1, looks: 3 }).verdict).toBe('green')
    const settings = { ...DEFAULT_GUARD, maxBadPercent: 100 }
    expect(badToTrip({ settings, sample: 1000, previous: null, looks: 3 })).toBeNull()
  })

  test('never spends more than it has', () => {
    let spent = 0
    for (let look = 1; look <= 100_000; look += 1) spent += 2 * alphaOf(look)
    expect(spent).toBeLessThanOrEqual(FALSE_ALARMS)
    expect(spent).toBeGreaterThan(0.99 * FALSE_ALARMS)
  })

  test('has an answer for all numbers, and trips with reason only', () => {
    const number = fc.oneof(fc.double(), fc.nat(), fc.nat(100_000))
    const health = fc.record({ sample: number, bad: number })
    const settings = fc.record({
      minimumSample: fc.integer({ min: 10, max: 1000 }),
      maxBadPercent: fc.double({ min: 0.01, max: 100, noNaN: true }),
      maxTimesPrevious: fc.option(fc.double({ min: 1, max: 100, noNaN: true })),
    })
    const question = fc.record({
      settings,
      sample: number,
      bad: number,
      previous: fc.option(health),
      looks: number,
      attempted: number,
      lastAttempted: number,
      isOverdue: fc.boolean(),
    })
    fc.assert(
      fc.property(question, (question) => {
        const { verdict, figures, looks } = judgeHealth(question)
        for (const value of [figures.badPercent, figures.lowerPercent, figures.upperPercent]) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(100)
        }
        expect(figures.bad).toBeLessThanOrEqual(figures.sample)
        expect(looks).toBeGreaterThanOrEqual(0)
        if (verdict !== 'trip') return
        expect(figures.sample).toBeGreaterThanOrEqual(question.settings.minimumSample)
        expect(figures.bad).toBeGreaterThanOrEqual(MINIMUM_BAD)
      }),
      { numRuns: 2000 },
    )
  })
})

/** docs/decisions/0007-guard-statistics.md states these. */
const LIMITS = [1, 2, 5, 10]
const RUNS = 3000
const FOLLOWED_DEVICES = 20_000

describe('over all looks together', () => {
  const shareThatStops = (stops: readonly number[]) => stops.filter((at) => at < Infinity).length / stops.length
  const percentile = (stops: readonly number[], share: number) =>
    stops.toSorted((one, other) => one - other)[Math.ceil(share * stops.length) - 1] ?? Infinity

  for (const limit of LIMITS) {
    for (const times of [1, 0.75, 0.5]) {
      test(`at ${times} times a limit of ${limit} % false alarms are rarer than 1 in 20`, () => {
        const stops = stopsOf({ limit, rate: (times * limit) / 100, runs: RUNS, devices: FOLLOWED_DEVICES, seed: 1 })
        expect(shareThatStops(stops)).toBeLessThanOrEqual(FALSE_ALARMS)
      })
    }

    test(`at three times a limit of ${limit} % it stops within 15 ÷ limit devices`, () => {
      const stops = stopsOf({ limit, rate: (3 * limit) / 100, runs: RUNS, devices: FOLLOWED_DEVICES, seed: 2 })
      expect(percentile(stops, 0.99)).toBeLessThanOrEqual(1500 / limit)
    })
  }

  for (const rate of [0.5, 1, 2, 5, 10]) {
    for (const sample of [50, 500, 5000, 100_000]) {
      test(`as bad as the ${sample} devices of the release before, ${rate} %, it stops less than 1 in 20`, () => {
        const previous = { sample, rate: rate / 100 }
        const stops = stopsOf({
          limit: rate,
          rate: rate / 100,
          previous,
          runs: 1000,
          devices: FOLLOWED_DEVICES,
          seed: 3,
        })
        expect(shareThatStops(stops)).toBeLessThanOrEqual(FALSE_ALARMS)
      })
    }

    test(`three times as bad as the release before, ${rate} %, it stops within 25 ÷ rate devices`, () => {
      const previous = { sample: 50_000, rate: rate / 100 }
      const stops = stopsOf({
        limit: 100,
        rate: (3 * rate) / 100,
        previous,
        runs: 1000,
        devices: FOLLOWED_DEVICES,
        seed: 4,
      })
      expect(percentile(stops, 0.99)).toBeLessThanOrEqual(2500 / rate)
    })
  }

  test('small samples and demanding settings change nothing', () => {
    const settings = { minimumSample: 10, maxTimesPrevious: 1 }
    for (const rate of [0.01, 0.05, 0.2]) {
      const previous = { sample: 10, rate }
      const stops = stopsOf({ limit: 100 * rate, rate, previous, settings, runs: 1000, devices: 5000, seed: 5 })
      expect(shareThatStops(stops)).toBeLessThanOrEqual(FALSE_ALARMS)
    }
  })

  test('late reports are looked at every hour, and cost no more', () => {
    const stops = stopsOf({ limit: 5, rate: 0.05, lateHours: 48, runs: RUNS, devices: 2000, seed: 6 })
    expect(shareThatStops(stops)).toBeLessThanOrEqual(FALSE_ALARMS)
  })
})
