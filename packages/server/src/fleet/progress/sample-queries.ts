import { sql } from 'kysely'
import { DAY_MS, HOUR_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { dayOf } from './believed-devices.ts'
import { add, type Attempts, type Standings } from './bounded-sample.ts'

/** What a rollout's sample consists of, and on how many days it came together. */
export interface SampleRows {
  standings: Standings
  days: number
}

const NO_ROWS: SampleRows = { standings: new Map(), days: 1 }

/**
 * Devices of rollouts by their standing, since an hour or since the beginning.
 * @param since milliseconds since 1970; the whole hour that it is in counts
 */
export async function readSamples(
  db: Connection,
  rolloutIds: readonly string[],
  since = 0,
): Promise<Map<string, SampleRows>> {
  const samples = new Map(rolloutIds.map((id) => [id, NO_ROWS]))
  if (rolloutIds.length === 0) return samples
  const day = sql<number>`hour_at / cast(${sql.lit(DAY_MS)} as bigint)`
  const rows = await db
    .selectFrom('rollout_sample')
    .select(['rollout_id', 'standing', day.as('day')])
    .select([
      sql<number>`cast(sum(attempted) as bigint)`.as('attempted'),
      sql<number>`cast(sum(attempted_bad) as bigint)`.as('bad'),
    ])
    .where('rollout_id', 'in', rolloutIds)
    .where('hour_at', '>=', since - (since % HOUR_MS))
    .groupBy(['rollout_id', 'standing', day])
    .execute()
  for (const [id, found] of Map.groupBy(rows, ({ rollout_id }) => rollout_id)) samples.set(id, sumUp(found))
  return samples
}

function sumUp(rows: readonly (Attempts & { standing: number; day: number })[]): SampleRows {
  const standings = new Map<number, Attempts>()
  for (const row of rows) standings.set(row.standing, add(standings.get(row.standing) ?? NOBODY, row))
  const days = new Set(rows.filter(({ standing, attempted }) => standing > 0 && attempted > 0).map(({ day }) => day))
  return { standings, days: Math.max(days.size, 1) }
}

const NOBODY: Attempts = { attempted: 0, bad: 0 }

/**
 * How many bad devices the networks with the most of them have in a sample: networks, not devices, are what whoever
 * invents devices is short of.
 * @param perNetwork so many of one network are in the sample at most
 */
export async function countBadOfWorstNetworks(
  db: Connection,
  rolloutId: string,
  { since, networks, perNetwork }: { since: number; networks: number; perNetwork: number },
): Promise<number> {
  const rows = await db
    .selectFrom('rollout_network')
    .select(sql<number>`cast(sum(bad) as bigint)`.as('bad'))
    .where('rollout_id', '=', rolloutId)
    .where('day_at', '>=', dayOf(since))
    .where('bad', '>', 0)
    .groupBy('network')
    .orderBy('bad', 'desc')
    .limit(networks)
    .execute()
  return rows.reduce((sum, { bad }) => sum + Math.min(bad, perNetwork), 0)
}

/** Of the devices that checked before: how many there are, and how many of them the largest network has. */
export async function countByNetwork(
  db: Connection,
  place: { appId: string; platform: string; channel: string },
  checkedBefore: number,
): Promise<{ devices: number; ofLargest: number }> {
  const rows = await db
    .selectFrom('device')
    .select(sql<number>`cast(count(*) as bigint)`.as('devices'))
    .where('app_id', '=', place.appId)
    .where('channel', '=', place.channel)
    .$if(place.platform !== 'any', (devices) => devices.where('platform', '=', place.platform as never))
    .where('first_check_at', '<', checkedBefore)
    .where('network', 'is not', null)
    .groupBy('network')
    .orderBy('devices', 'desc')
    .execute()
  return { devices: rows.reduce((sum, { devices }) => sum + devices, 0), ofLargest: rows[0]?.devices ?? 0 }
}
