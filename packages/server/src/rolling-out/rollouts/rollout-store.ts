import type { RolloutFilter } from '@hotpatch/api'
import { problem, type Platform, type RolloutState } from '@hotpatch/protocol'
import type { Updateable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

type Guard = Schema['rollout_guard']
type Plan = Schema['rollout_plan']

export type RolloutRow = Schema['rollout'] & {
  version: string | null
  /** Of its release, as stored. */
  requirement: string | null
  /** Of its own statement; null: it has none. */
  sequence: number | null
  guard_state: Guard['state'] | null
  guard_settings: Guard['settings'] | null
  plan_state: Plan['state'] | null
  plan_step: Plan['step'] | null
  plan_steps: Plan['steps'] | null
}

export function selectRollouts(db: Connection) {
  return db
    .selectFrom('rollout')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .leftJoin('statement', 'statement.id', 'rollout.statement_id')
    .leftJoin('rollout_guard', 'rollout_guard.rollout_id', 'rollout.id')
    .leftJoin('rollout_plan', 'rollout_plan.rollout_id', 'rollout.id')
    .selectAll('rollout')
    .select([
      'release.version',
      'release.requirement',
      'statement.sequence',
      'rollout_guard.state as guard_state',
      'rollout_guard.settings as guard_settings',
      'rollout_plan.state as plan_state',
      'rollout_plan.step as plan_step',
      'rollout_plan.steps as plan_steps',
    ])
}

export function insertRollout(db: Connection, rollout: Schema['rollout']) {
  return db.insertInto('rollout').values(rollout).execute()
}

function findRollout(db: Connection, id: string): Promise<RolloutRow | undefined> {
  return selectRollouts(db).where('rollout.id', '=', id).executeTakeFirst()
}

/** @throws problem rollout-not-found */
export async function getRollout(db: Connection, id: string): Promise<RolloutRow> {
  const row = await findRollout(db, id)
  if (row) return row
  throw problem('rollout-not-found', `No rollout has the id ${id}.`)
}

export function listRollouts(
  db: Connection,
  appId: string,
  { platform, channel, state, releaseId, kind }: RolloutFilter,
  { after, limit }: PageRequest,
): Promise<RolloutRow[]> {
  return selectRollouts(db)
    .where('rollout.app_id', '=', appId)
    .$if(platform !== undefined, (rollouts) => rollouts.where('rollout.platform', '=', platform ?? 'any'))
    .$if(channel !== undefined, (rollouts) => rollouts.where('rollout.channel', '=', channel ?? ''))
    .$if(state !== undefined, (rollouts) => rollouts.where('rollout.state', '=', state ?? 'active'))
    .$if(releaseId !== undefined, (rollouts) => rollouts.where('rollout.release_id', '=', releaseId ?? ''))
    .$if(kind !== undefined, (rollouts) =>
      rollouts.where(({ or, eb }) =>
        or([eb('release.kind', '=', kind ?? 'archive'), eb('rollout.release_id', 'is', null)]),
      ),
    )
    .$if(after !== undefined, (rollouts) => rollouts.where('rollout.id', '<', after ?? ''))
    .orderBy('rollout.id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** Of those in force for everyone, newest first: whether they came before a release did, and what they require. */
export function listForEveryone(
  db: Connection,
  { appId, platform, channel, now }: { appId: string; platform: Platform; channel: string; now: number },
  releaseId: string,
) {
  return db
    .selectFrom('rollout')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .select(['rollout.release_id', 'release.requirement'])
    .select(({ eb, selectFrom }) =>
      eb(
        'rollout.position',
        '<',
        selectFrom('rollout as own')
          .select(({ fn }) => fn.min('own.position').as('position'))
          .where('own.app_id', '=', appId)
          .where('own.channel', '=', channel)
          .where('own.release_id', '=', releaseId),
      ).as('is_before'),
    )
    .where('rollout.app_id', '=', appId)
    .where('rollout.channel', '=', channel)
    .where('rollout.platform', 'in', [platform, 'any'])
    .where('rollout.state', '=', 'active')
    .where(({ or, eb }) => or([eb('starts_at', 'is', null), eb('starts_at', '<=', now)]))
    .where('percentage', '=', 100)
    .where('rules', '=', '[]')
    .where('slice', 'is', null)
    .orderBy('position', 'desc')
    .execute()
}

/** Until the transaction ends, so that what is read of it is what is changed. */
export function lockRollout(tx: Connection, id: string) {
  return tx
    .updateTable('rollout')
    .set((set) => ({ state: set.ref('state') }))
    .where('id', '=', id)
    .execute()
}

/** Zero rows when the rollout has meanwhile left the states that this change is for. */
export async function updateRolloutIn(
  db: Connection,
  id: string,
  states: readonly RolloutState[],
  changes: Updateable<Schema['rollout']>,
): Promise<boolean> {
  const result = await db
    .updateTable('rollout')
    .set(changes)
    .where('id', '=', id)
    .where('state', 'in', states)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Whose start has come, and was not told yet. */
export function listDueStarts(db: Connection, now: number, limit: number): Promise<RolloutRow[]> {
  return selectRollouts(db)
    .where('rollout.awaits_start', '=', 1)
    .where('rollout.state', '=', 'active')
    .where(({ or, eb }) => or([eb('rollout.starts_at', 'is', null), eb('rollout.starts_at', '<=', now)]))
    .orderBy('rollout.starts_at')
    .limit(limit)
    .execute()
}

export function listRolloutsOfRelease(db: Connection, releaseId: string): Promise<RolloutRow[]> {
  return selectRollouts(db).where('rollout.release_id', '=', releaseId).orderBy('rollout.id').execute()
}

/** The channels that ever had a release, from the first on. */
export async function listChannelsOf(db: Connection, releaseId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('rollout')
    .select('channel')
    .where('release_id', '=', releaseId)
    .groupBy('channel')
    .orderBy((rollouts) => rollouts.fn.min('id'))
    .execute()
  return rows.map(({ channel }) => channel)
}

/** The release, of that id or that version, which this channel placed last. */
export async function findPlacedRelease(
  db: Connection,
  { appId, platform, channel }: { appId: string; platform: Platform; channel: string },
  wanted: { version: string } | { releaseId: string },
): Promise<string | undefined> {
  const row = await db
    .selectFrom('rollout')
    .innerJoin('release', 'release.id', 'rollout.release_id')
    .select('release.id')
    .where('rollout.app_id', '=', appId)
    .where('rollout.channel', '=', channel)
    .where('rollout.platform', 'in', [platform, 'any'])
    .where((where) =>
      'version' in wanted ? where('release.version', '=', wanted.version) : where('release.id', '=', wanted.releaseId),
    )
    .where('release.archived_at', 'is', null)
    .orderBy('rollout.position', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.id
}
