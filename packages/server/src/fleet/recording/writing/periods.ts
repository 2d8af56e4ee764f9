import { DAY_MS, HOUR_MS } from '../../../ground/clock.ts'
import type { Schema } from '../../../ground/database/schema.ts'

export type Period = Schema['activity']['period']

/** When the period began that a time is in: UTC; weeks begin on Monday. */
export function startOfPeriod(period: Period, at: number): number {
  switch (period) {
    case 'hour':
      return at - (at % HOUR_MS)
    case 'day':
      return at - (at % DAY_MS)
    case 'week': {
      const day = Math.floor(at / DAY_MS)
      // 1970 began on a Thursday.
      return (day - ((day + 3) % 7)) * DAY_MS
    }
    case 'month': {
      const date = new Date(at)
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
    }
  }
}

const PERIODS = ['hour', 'day', 'week', 'month'] as const satisfies Period[]

/** The periods that a time is in and an earlier one, if any, is not. */
export function periodsBetween(earlier: number | undefined, at: number): { period: Period; startsAt: number }[] {
  if (earlier !== undefined && earlier >= startOfPeriod('hour', at)) return []
  const all = PERIODS.map((period) => ({ period, startsAt: startOfPeriod(period, at) }))
  return earlier === undefined ? all : all.filter(({ startsAt }) => earlier < startsAt)
}
