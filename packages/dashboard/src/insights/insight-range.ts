import type { Bucket, InsightQuery } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'

/** `days`: from one day to another. */
export const RANGES = ['24h', '7d', '30d', '90d', 'days'] as const
export type RangeName = (typeof RANGES)[number]

export interface InsightsSearch {
  range?: RangeName | undefined
  /** Days, such as 2027-01-31, in UTC as all figures are: of the range "days". */
  from?: string | undefined
  to?: string | undefined
  bucket?: Bucket | undefined
  platform?: Platform | undefined
  channel?: string | undefined
  /** Of the adoption curves: ids, with commas between them. */
  rollouts?: string | undefined
}

export const DEFAULT_RANGE: RangeName = '7d'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LENGTHS: Record<Exclude<RangeName, 'days'>, number> = {
  '24h': DAY_MS,
  '7d': 7 * DAY_MS,
  '30d': 30 * DAY_MS,
  '90d': 90 * DAY_MS,
}
/** @param now in milliseconds since 1970: what is relative in the address is of this moment */
export function queryOf({ range = DEFAULT_RANGE, from, to, bucket, platform, channel }: InsightsSearch, now: number) {
  const times = range === 'days' ? daysOf(from, to, now) : { from: new Date(now - LENGTHS[range]).toISOString() }
  return {
    ...times,
    ...(bucket !== undefined && { bucket }),
    ...(platform !== undefined && { platform }),
    ...(channel !== undefined && { channel }),
  } satisfies InsightQuery
}

/** Of a question about the app, or a rollout, as a whole. */
export function wholeQueryOf(search: InsightsSearch, now: number) {
  const { platform: _, channel: __, ...whole } = queryOf(search, now) as InsightQuery
  return whole
}

/** Which buckets make a chart that can be read and that the server gives. */
export function bucketsOf({ range = DEFAULT_RANGE, from, to }: InsightsSearch, now: number): readonly Bucket[] {
  const length = range === 'days' ? lengthOf(daysOf(from, to, now), now) : LENGTHS[range]
  if (length <= 2 * DAY_MS) return ['hour', 'day']
  return length <= 30 * DAY_MS ? ['hour', 'day', 'week'] : ['day', 'week', 'month']
}

function lengthOf({ from, to }: { from: string; to?: string }, now: number): number {
  return (to === undefined ? now : Date.parse(to)) - Date.parse(from)
}

/** The whole last day, too. Days that are the wrong way round are the same days. */
function daysOf(from: string | undefined, to: string | undefined, now: number): { from: string; to?: string } {
  const [first, last] = [from ?? dayOf(now - 7 * DAY_MS), to ?? dayOf(now)].toSorted() as [string, string]
  const end = Date.parse(last) + DAY_MS
  return { from: new Date(first).toISOString(), ...(end < now && { to: new Date(end).toISOString() }) }
}

/** Such as 2027-01-31, in UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
