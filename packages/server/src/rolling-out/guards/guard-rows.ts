import type { GuardSettings, GuardTrip } from '@hotpatch/api'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import {
  countUpTo,
  readStandings,
  writeStandings,
  type BoundedSample,
  type Standings,
} from '../../fleet/progress/bounded-sample.ts'

import { readSamples } from '../../fleet/progress/sample-queries.ts'
import { bound, type Sampling } from '../../fleet/progress/sampling.ts'
import type { GuardRow } from './guard-store.ts'

/** What was counted when the guard began: since the rollout's beginning, and within the hour. */
export interface GuardBase {
  all: Standings
  hour: Standings
}

/** A guard's row, read. */
export interface WatchedRollout {
  row: GuardRow
  settings: GuardSettings
  base: GuardBase
  trip: GuardTrip | null
}

/** What a guard sees. */
export interface Sighting extends Pick<BoundedSample, 'leftOut' | 'withoutNetwork' | 'upTo' | 'perNetwork'> {
  /** Of the window, or since it began. */
  sample: number
  bad: number
  /** All that attempted it since it began. */
  attempted: number
  /** Since when the sample is. */
  since: number
  /** Whether networks are bounded. */
  isBounded: boolean
}

export function readGuard(row: GuardRow): WatchedRollout {
  return {
    row,
    settings: JSON.parse(row.settings) as GuardSettings,
    base: readGuardBase(row.base),
    trip: row.figures === null ? null : (JSON.parse(row.figures) as GuardTrip),
  }
}

/** In the text of a guard's row. */
export const NO_BASE = '{}'

interface StoredBase {
  all?: string
  hour?: string
  /** Of guards from before there were standings. */
  attempted?: number
  sample?: number
  bad?: number
}

function readGuardBase(text: string): GuardBase {
  const { all, hour, attempted = 0, sample = 0, bad = 0 } = JSON.parse(text) as StoredBase
  return {
    all: all === undefined ? new Map([[0, { attempted, bad: 0 }]]) : readStandings(all),
    hour: hour === undefined ? new Map([[0, { attempted: sample, bad }]]) : readStandings(hour),
  }
}

/** What was counted until now, for a guard that begins anew. */
export async function readBase(db: Connection, rolloutId: string, now: number): Promise<string> {
  const all = await readSamples(db, [rolloutId])
  const hour = await readSamples(db, [rolloutId], now)
  const textOf = (rows: typeof all) => writeStandings(rows.get(rolloutId)?.standings ?? new Map())
  return JSON.stringify({ all: textOf(all), hour: textOf(hour) } satisfies StoredBase)
}

/** What each of these guards sees at this moment, by the rollout's id. */
export async function readSightings(
  db: Connection,
  sampling: Sampling,
  guards: readonly WatchedRollout[],
  now: number,
): Promise<Map<string, Sighting>> {
  const sightings = new Map<string, Sighting>()
  const shares = await sampling.readShares(db, idsOf(guards))
  for (const [since, some] of Map.groupBy(guards, (guard) => windowStart(guard, now))) {
    const samples = await readSamples(db, idsOf(some), since)
    for (const { row, base } of some) {
      const rows = samples.get(row.rollout_id)
      if (!rows) continue
      const share = shares.get(row.rollout_id) ?? 1
      // Counters have hours: what had come within the hour in which the guard began is not its own.
      const {
        attempted: sample,
        bad,
        ...shown
      } = bound(rows, share, hourOf(row.since_at) === since ? base.hour : undefined)
      sightings.set(row.rollout_id, { sample, bad, attempted: sample, since, isBounded: share < 1, ...shown })
    }
  }
  await addAllAttempts(db, guards, sightings)
  return sightings
}

/** Long histories are summed only where a look may come of it. */
async function addAllAttempts(
  db: Connection,
  guards: readonly WatchedRollout[],
  sightings: Map<string, Sighting>,
): Promise<void> {
  const enough = guards.filter(
    ({ row, settings }) => (sightings.get(row.rollout_id)?.sample ?? 0) >= settings.minimumSample,
  )
  const all = await readSamples(db, idsOf(enough))
  for (const { row, base } of enough) {
    const sighting = sightings.get(row.rollout_id)
    const rows = all.get(row.rollout_id)
    if (!sighting || !rows) continue
    // By the ranks that count in the window: invented devices bring no looks about, which would make it less sure.
    const attempted = countUpTo(rows.standings, sighting.upTo) - countUpTo(base.all, sighting.upTo)
    sightings.set(row.rollout_id, { ...sighting, attempted: Math.max(attempted, sighting.sample) })
  }
}

function idsOf(guards: readonly WatchedRollout[]): string[] {
  return guards.map(({ row }) => row.rollout_id)
}

function windowStart({ row, settings }: WatchedRollout, now: number): number {
  return hourOf(Math.max(row.since_at, now - settings.windowHours * HOUR_MS))
}

function hourOf(time: number): number {
  return time - (time % HOUR_MS)
}
