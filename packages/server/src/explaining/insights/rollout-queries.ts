import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'
import type { Place } from './insight-queries.ts'
import type { TimeRange } from './time-range.ts'

export type PlacedRollout = Awaited<ReturnType<typeof listPlaced>>[number]

function selectPlaced(db: Connection) {
  return db
    .selectFrom('rollout')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .select([
      'rollout.id',
      'rollout.release_id',
      'release.version',
      'rollout.platform',
      'rollout.channel',
      'rollout.state',
      'rollout.percentage',
      'rollout.rules',
      'rollout.slice',
      'rollout.experiment_id',
      'rollout.starts_at',
      'rollout.created_at',
    ])
}

export function findPlaced(db: Connection, appId: string, rolloutId: string) {
  return selectPlaced(db).where('rollout.id', '=', rolloutId).where('rollout.app_id', '=', appId).executeTakeFirst()
}

export function listPlaced(db: Connection, rolloutIds: readonly string[]) {
  return selectPlaced(db).where('rollout.id', 'in', rolloutIds).orderBy('rollout.id').execute()
}

/** Rollouts with which something happened, newest first. */
export function listBusyRollouts(
  db: Connection,
  appId: string,
  { from, to }: TimeRange,
  { platform, channel }: Place,
  limit: number,
) {
  return selectPlaced(db)
    .where('rollout.app_id', '=', appId)
    .$if(platform !== undefined, (rollouts) => rollouts.where('rollout.platform', '=', platform ?? 'any'))
    .$if(channel !== undefined, (rollouts) => rollouts.where('rollout.channel', '=', channel ?? ''))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('rollout_hour')
          .select('rollout_hour.rollout_id')
          .whereRef('rollout_hour.rollout_id', '=', 'rollout.id')
          .where('rollout_hour.hour_at', '>=', from)
          .where('rollout_hour.hour_at', '<', to),
      ),
    )
    .orderBy('rollout.id', 'desc')
    .limit(limit)
    .execute()
}

/** The hours in which devices ran it for the first time, oldest first. */
export function listRunningHours(db: Connection, rolloutId: string, limit: number) {
  return db
    .selectFrom('rollout_hour')
    .select(['hour_at as at', 'running'])
    .where('rollout_id', '=', rolloutId)
    .where('running', '>', 0)
    .orderBy('hour_at')
    .limit(limit)
    .execute()
}

export type HealthHour = Awaited<ReturnType<typeof listHealthHours>>[number]

/** Oldest first. */
export function listHealthHours(db: Connection, rolloutId: string, to: number) {
  return db
    .selectFrom('rollout_hour')
    .select(['hour_at as at', 'attempted', 'attempted_bad as bad', 'failed', 'rolled_back as rolledBack', 'crashed'])
    .where('rollout_id', '=', rolloutId)
    .where('hour_at', '<', to)
    .where((hour) => hour.or([hour('attempted', '>', 0), hour('attempted_bad', '>', 0)]))
    .orderBy('hour_at')
    .execute()
}

/** Devices that were offered a rollout, have not tried it, and of which there is no news since. */
export async function countStuck(db: Connection, rolloutIds: readonly string[], since: number) {
  const rows = await db
    .selectFrom('rollout_device')
    .select(['rollout_id', sql<number>`count(*)`.as('devices')])
    .where('rollout_id', 'in', rolloutIds)
    // As the index says it: below the bits of `ATTEMPTED`.
    .where('progress', '<', sql.lit(16))
    .where('changed_at', '<', since)
    .groupBy('rollout_id')
    .execute()
  return new Map(rows.map(({ rollout_id, devices }) => [rollout_id, devices]))
}

/** Devices that run what the rollout placed now, and got it from this rollout or were seen to run it under it. */
export async function countRunning(
  db: Connection,
  appId: string,
  { id, platform, channel, release_id }: Pick<PlacedRollout, 'id' | 'platform' | 'channel' | 'release_id'>,
): Promise<number> {
  const { devices } = await db
    .selectFrom('device')
    .select(sql<number>`count(*)`.as('devices'))
    .where('app_id', '=', appId)
    .$if(platform !== 'any', (found) => found.where('platform', '=', platform))
    .where('channel', '=', channel)
    .where('current_release_id', release_id === null ? 'is' : '=', release_id)
    .where('gone_at', 'is', null)
    .where((where) =>
      where.or([
        // Older progress than events are kept for is there for the device's own rollout only.
        where('device.rollout_id', '=', id),
        where.exists(
          where
            .selectFrom('rollout_device')
            .select('rollout_device.rollout_id')
            .whereRef('rollout_device.device_id', '=', 'device.device_id')
            .where('rollout_device.rollout_id', '=', id),
        ),
      ]),
    )
    .executeTakeFirstOrThrow()
  return devices
}

export function findExperiment(db: Connection, appId: string, experimentId: string) {
  return db
    .selectFrom('experiment')
    .select(['name', 'arms'])
    .where('id', '=', experimentId)
    .where('app_id', '=', appId)
    .executeTakeFirst()
}
