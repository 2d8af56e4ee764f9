import type { GuardSettings, GuardTrip } from '@hotpatch/api'
import type { Connection } from '../database/schema.ts'
import { HOUR_MS, sumRolloutHours } from '../fleet/rollout-progress.ts'
import type { StepBack } from '../rollouts/placement.ts'
import type { GuardRow } from './guard-store.ts'

/** What the counters had when the guard began: since the rollout's beginning, and within the hour. */
export interface GuardBase {
  attempted: number
  sample: number
  bad: number
}

/** A guard's row, read. */
export interface WatchedRollout {
  row: GuardRow
  settings: GuardSettings
  base: GuardBase
  /** Signed by the publisher while publishing, nearest first. */
  prepared: readonly StepBack[]
  trip: GuardTrip | null
}

/** What a guard sees. */
export interface Sighting {
  /** Of the window, or since it began. */
  sample: number
  bad: number
  /** All that attempted it since it began. */
  attempted: number
}

export function readGuard(row: GuardRow): WatchedRollout {
  return {
    row,
    settings: JSON.parse(row.settings) as GuardSettings,
    base: JSON.parse(row.base) as GuardBase,
    prepared: row.prepared === null ? [] : (JSON.parse(row.prepared) as StepBack[]),
    trip: row.figures === null ? null : (JSON.parse(row.figures) as GuardTrip),
  }
}

export async function readBase(db: Connection, rolloutId: string, now: number): Promise<GuardBase> {
  const [all, hour] = [await sumRolloutHours(db, [rolloutId]), await sumRolloutHours(db, [rolloutId], now)]
  const { attempted: sample = 0, attempted_bad: bad = 0 } = hour.get(rolloutId) ?? {}
  return { attempted: all.get(rolloutId)?.attempted ?? 0, sample, bad }
}

/** What each of these guards sees at this moment, by the rollout's id. */
export async function readSightings(
  db: Connection,
  guards: readonly WatchedRollout[],
  now: number,
): Promise<Map<string, Sighting>> {
  const sightings = new Map<string, Sighting>()
  for (const [since, some] of Map.groupBy(guards, (guard) => windowStart(guard, now))) {
    const figures = await sumRolloutHours(db, idsOf(some), since)
    for (const { row, base } of some) {
      const { attempted = 0, attempted_bad: bad = 0 } = figures.get(row.rollout_id) ?? {}
      // Counters have hours: what had come within the hour in which the guard began is not its own.
      const known = hourOf(row.since_at) === since ? base : { sample: 0, bad: 0 }
      const sample = Math.max(attempted - known.sample, 0)
      sightings.set(row.rollout_id, { sample, bad: Math.max(bad - known.bad, 0), attempted: sample })
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
  const all = await sumRolloutHours(db, idsOf(enough))
  for (const { row, base } of enough) {
    const sighting = sightings.get(row.rollout_id)
    if (!sighting) continue
    const attempted = Math.max((all.get(row.rollout_id)?.attempted ?? 0) - base.attempted, 0)
    sightings.set(row.rollout_id, { ...sighting, attempted })
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
