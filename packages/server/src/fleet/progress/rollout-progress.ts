import { sql } from 'kysely'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Connection, Schema } from '../../ground/database/schema.ts'

/** How far a device came with a rollout: a bit each, set once and counted once. */
export const PROGRESS = {
  offered: 1,
  download_started: 2,
  downloaded: 4,
  download_failed: 8,
  applied: 16,
  confirmed: 32,
  running: 64,
  failed: 128,
  rolled_back: 256,
  crashed: 512,
} as const satisfies Partial<Record<keyof Schema['rollout_hour'], number>>

/** Each of these means that the device has tried the release: only such devices say something about its health. */
export const ATTEMPTED =
  PROGRESS.applied | PROGRESS.confirmed | PROGRESS.running | PROGRESS.failed | PROGRESS.rolled_back | PROGRESS.crashed

/** What speaks against the release; a download that failed does not. */
export const BAD = PROGRESS.failed | PROGRESS.rolled_back | PROGRESS.crashed

/** Devices that came so far. */
export type RolloutFigures = Omit<Schema['rollout_hour'], 'rollout_id' | 'hour_at'>

/** Of what devices told of their downloads. */
export const TOLD_COUNTERS = [
  'told_downloads',
  'received_bytes',
  'told_patched',
  'patched_bytes',
  'told_packed',
  'packed_bytes',
  'patch_failed',
] as const satisfies (keyof RolloutFigures)[]

const COUNTERS = [
  ...(Object.keys(PROGRESS) as (keyof typeof PROGRESS)[]),
  'attempted',
  'attempted_bad',
  ...TOLD_COUNTERS,
] as const

/** Of a rollout that nobody has heard of yet. */
export const NO_FIGURES = Object.fromEntries(COUNTERS.map((counter) => [counter, 0])) as unknown as RolloutFigures

/**
 * What became of rollouts, since an hour or since their beginning.
 * @param since milliseconds since 1970; the whole hour that it is in counts
 */
export async function sumRolloutHours(
  db: Connection,
  rolloutIds: readonly string[],
  since = 0,
): Promise<Map<string, RolloutFigures>> {
  const figures = new Map(rolloutIds.map((id) => [id, NO_FIGURES]))
  if (rolloutIds.length === 0) return figures
  const rows = await db
    .selectFrom('rollout_hour')
    .select('rollout_id')
    // PostgreSQL sums bigint into numeric, which would arrive as text.
    .select(COUNTERS.map((counter) => sql<number>`cast(sum(${sql.ref(counter)}) as bigint)`.as(counter)))
    .where('rollout_id', 'in', rolloutIds)
    .where('hour_at', '>=', since - (since % HOUR_MS))
    .groupBy('rollout_id')
    .execute()
  for (const { rollout_id, ...sums } of rows) figures.set(rollout_id, sums)
  return figures
}
