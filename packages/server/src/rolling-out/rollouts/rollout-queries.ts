import type { Platform } from '@hotpatch/protocol'
import type { ExpressionBuilder } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import { earlierRollouts, type EarlierRollout, type LaterRollout } from './earlier-rollouts.ts'
import { selectRollouts } from './rollout-store.ts'

/** A place on a channel. */
export interface RolloutPlace {
  appId: string
  platform: Platform
  channel: string
}

/** Newest first: how many rollouts of a place are looked through. */
const MAX_PLACED = 200

/** What devices of this place had before a rollout, newest first. */
export async function listEarlierRollouts(
  db: Connection,
  { appId, platform, channel }: RolloutPlace,
  later: LaterRollout,
): Promise<EarlierRollout[]> {
  const rows = await db
    .selectFrom('rollout')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .leftJoin('rollout_guard', 'rollout_guard.rollout_id', 'rollout.id')
    .select(['rollout.id', 'rollout.release_id', 'rollout.position', 'rollout.state', 'rollout.awaits_start'])
    .select(['rollout.percentage', 'rollout.rules', 'rollout.slice', 'rollout.experiment_id'])
    .select(['release.version', 'release.archived_at', 'rollout_guard.state as guard_state'])
    .where('rollout.app_id', '=', appId)
    .where('rollout.channel', '=', channel)
    // What is for every platform goes back to what was for every platform.
    .where('rollout.platform', 'in', platform === 'any' ? ['any'] : [platform, 'any'])
    .orderBy('rollout.position', 'desc')
    .limit(MAX_PLACED)
    .execute()
  const placed = rows.map((row) => ({
    id: row.id,
    releaseId: row.release_id,
    version: row.version,
    position: row.position,
    state: row.state,
    hasStarted: row.awaits_start === 0,
    percentage: row.percentage,
    isNarrowed: row.rules !== '[]' || row.slice !== null,
    isArchived: row.archived_at !== null,
    hasTripped: row.guard_state === 'tripped',
    experimentId: row.experiment_id,
  }))
  return earlierRollouts(placed, later)
}

/** Whether something newer is in force above it and below a position, other than the other arms of its own test. */
export async function hasNewerRollout(
  db: Connection,
  { app_id, platform, channel, position, experiment_id }: Schema['rollout'],
  now: number,
  below = Number.MAX_SAFE_INTEGER,
): Promise<boolean> {
  const newer = await db
    .selectFrom('rollout')
    .select('id')
    .where('app_id', '=', app_id)
    .where('channel', '=', channel)
    .$if(platform !== 'any', (rollouts) => rollouts.where('platform', 'in', [platform, 'any']))
    .where('position', '>', position)
    .where('position', '<', below)
    .where('state', '=', 'active')
    // As checks see it: that its start has come may not have been told yet.
    .where((where) => where.or([where('starts_at', 'is', null), where('starts_at', '<=', now)]))
    .$if(experiment_id !== null, (rollouts) => rollouts.where((where) => isOfAnotherTest(where, experiment_id ?? '')))
    .limit(1)
    .executeTakeFirst()
  return newer !== undefined
}

/** Newest first: what may cover others. More are not looked through. */
const MAX_COVERING = 500

/** Rollouts that are in force for everybody of their platform and channel, the newest of each platform first. */
export async function listCovering(
  db: Connection,
  appId: string,
  channels: readonly string[],
  now: number,
): Promise<CoveringRollout[]> {
  const rows = await db
    .selectFrom('rollout')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .select([
      'rollout.id',
      'rollout.platform',
      'rollout.channel',
      'rollout.position',
      'rollout.release_id',
      'release.version',
      'release.requirement',
    ])
    .where('rollout.app_id', '=', appId)
    .where('rollout.channel', 'in', channels)
    .where('rollout.state', '=', 'active')
    .where('rollout.percentage', '=', 100)
    .where('rollout.rules', '=', '[]')
    .where('rollout.slice', 'is', null)
    .where((where) => where.or([where('rollout.starts_at', 'is', null), where('rollout.starts_at', '<=', now)]))
    .orderBy('rollout.position', 'desc')
    .limit(MAX_COVERING)
    .execute()
  return rows.map(({ requirement, ...row }) => ({ ...row, requirement: requirement ?? '{}' }))
}

/** A rollout that is in force for everybody of its place whose shell meets its requirement. */
export interface CoveringRollout extends Pick<
  Schema['rollout'],
  'id' | 'platform' | 'channel' | 'position' | 'release_id'
> {
  version: string | null
  /** As stored. */
  requirement: string
}

/**
 * The newest that leaves nothing to a rollout but devices that cannot take it: above it, for all its platforms, and
 * requiring nothing that it does not require as well.
 */
export function findCovering(
  rollout: Pick<Schema['rollout'], 'platform' | 'channel' | 'position' | 'state'> & { requirement: string | null },
  covering: readonly CoveringRollout[],
): CoveringRollout | undefined {
  if (rollout.state !== 'active' && rollout.state !== 'paused') return undefined
  return covering.find(
    ({ platform, channel, position, requirement }) =>
      channel === rollout.channel &&
      position > rollout.position &&
      (platform === 'any' || platform === rollout.platform) &&
      (requirement === '{}' || requirement === (rollout.requirement ?? '{}')),
  )
}

function isOfAnotherTest(where: ExpressionBuilder<Schema, 'rollout'>, experimentId: string) {
  return where.or([where('rollout.experiment_id', 'is', null), where('rollout.experiment_id', '!=', experimentId)])
}

function isForAll({ percentage, rules, slice }: Schema['rollout']): boolean {
  return percentage === 100 && rules === '[]' && slice === null
}

/** Newest first; more are not told. */
const MAX_IN_FORCE = 20

/**
 * What a new rollout would come on top of, down to the newest that is for everybody: below that one, rollouts reach
 * nobody any more.
 */
export async function listInForce(db: Connection, { appId, platform, channel }: RolloutPlace, now: number) {
  const rows = await selectRollouts(db)
    .where('rollout.app_id', '=', appId)
    .where('rollout.channel', '=', channel)
    .$if(platform !== 'any', (rollouts) => rollouts.where('rollout.platform', 'in', [platform, 'any']))
    .where('rollout.state', 'in', ['active', 'paused'])
    .where((where) => where.or([where('rollout.starts_at', 'is', null), where('rollout.starts_at', '<=', now)]))
    .orderBy('rollout.position', 'desc')
    .limit(MAX_IN_FORCE)
    .execute()
  const last = rows.findIndex(
    (row) => row.state === 'active' && (row.platform === platform || row.platform === 'any') && isForAll(row),
  )
  return last === -1 ? { rows, reachesAll: false } : { rows: rows.slice(0, last + 1), reachesAll: true }
}
