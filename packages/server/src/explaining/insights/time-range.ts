import { MAX_INSIGHT_DAYS, MAX_INSIGHT_POINTS, type Bucket, type InsightQuery } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { DAY_MS, HOUR_MS, readTimestamp, timestamp } from '../../ground/clock.ts'
import { startOfPeriod } from '../../fleet/recording/writing/periods.ts'

const DEFAULT_MS = 7 * DAY_MS
/** Up to here hours are what one wants to see. */
const HOURS_UP_TO_MS = 2 * DAY_MS

/** What is asked about, in milliseconds since 1970: from the beginning of an hour to before `to`. */
export interface TimeRange {
  from: number
  to: number
  bucket: Bucket
}

/** @throws problem invalid-request when the times are the wrong way round, too far apart, or too many points */
export function readTimeRange(
  query: Pick<InsightQuery, 'from' | 'to' | 'bucket'>,
  now: number,
  defaultFrom = (to: number) => to - DEFAULT_MS,
): TimeRange {
  const until = query.to === undefined ? now : readTimestamp(query.to, 'to')
  const asked = query.from === undefined ? defaultFrom(until) : readTimestamp(query.from, 'from')
  if (asked >= until) {
    const detail = `Expected "from" before "to", found ${timestamp(asked)} and ${timestamp(until)}.`
    throw problem('invalid-request', detail, { errors: [{ pointer: '#/from', detail }] })
  }
  if (until - asked > MAX_INSIGHT_DAYS * DAY_MS) {
    const days = Math.ceil((until - asked) / DAY_MS)
    const detail = `Expected at most ${MAX_INSIGHT_DAYS} days from "from" to "to", found ${days}.`
    throw problem('invalid-request', detail, { errors: [{ pointer: '#/from', detail }] })
  }
  const bucket = query.bucket ?? (until - asked <= HOURS_UP_TO_MS ? 'hour' : 'day')
  // What happens in this very millisecond counts.
  const to = query.to === undefined ? now + 1 : until
  const range = { from: startOfPeriod('hour', asked), to, bucket }
  // Only hours can be too many, and these are all of one length.
  const points = bucket === 'hour' ? Math.ceil((to - range.from) / HOUR_MS) : 0
  if (points > MAX_INSIGHT_POINTS) {
    const detail = `Expected at most ${MAX_INSIGHT_POINTS} points, and these times have ${points} hours. Ask for days.`
    throw problem('invalid-request', detail, { errors: [{ pointer: '#/bucket', detail }] })
  }
  return range
}

/** The same time with its last moment in it. */
export function lastMomentOf({ from, to }: TimeRange) {
  return { from, to: to - 1 }
}

/** Where the buckets begin; the first and the last may be partly outside the range. */
export function bucketsOf({ from, to, bucket }: TimeRange): number[] {
  const starts: number[] = []
  for (let at = startOfPeriod(bucket, from); at < to; at = nextBucket(bucket, at)) starts.push(at)
  return starts
}

export function nextBucket(bucket: Bucket, at: number): number {
  switch (bucket) {
    case 'hour':
      return at + HOUR_MS
    case 'day':
      return at + DAY_MS
    case 'week':
      return at + 7 * DAY_MS
    case 'month': {
      const date = new Date(at)
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
    }
  }
}

/** How long of a bucket is counted and over, in milliseconds: hours are counted whole, also the one in which `to` is. */
export function elapsedIn({ from, to, bucket }: TimeRange, at: number, now: number): number {
  const countedTo = startOfPeriod('hour', to - 1) + HOUR_MS
  return Math.max(0, Math.min(nextBucket(bucket, at), countedTo, now) - Math.max(at, from))
}

/** One point for each bucket: what nobody counted is nothing. */
export function fillBuckets<Name extends string>(
  range: TimeRange,
  rows: readonly Record<Name | 'at', number>[],
  names: readonly Name[],
): Record<Name | 'at', number>[] {
  const points = new Map<number, Record<Name | 'at', number>>()
  const nothing = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
  for (const at of bucketsOf(range)) points.set(at, { at, ...nothing })
  for (const row of rows) {
    const point = points.get(startOfPeriod(range.bucket, Math.max(row.at, range.from)))
    if (!point) continue
    for (const name of names) point[name] += row[name]
  }
  return [...points.values()]
}

export function renderRange({ from, to, bucket }: TimeRange) {
  return { from: timestamp(from), to: timestamp(to), bucket }
}
