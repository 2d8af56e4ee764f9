import type { Updateable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type GuardRow = Schema['rollout_guard']

export function insertGuard(db: Connection, guard: GuardRow) {
  return db.insertInto('rollout_guard').values(guard).execute()
}

export function findGuard(db: Connection, rolloutId: string): Promise<GuardRow | undefined> {
  return db.selectFrom('rollout_guard').selectAll().where('rollout_id', '=', rolloutId).executeTakeFirst()
}

/** Those whose rollout has started and may still be stopped. */
export function listWatchingGuards(db: Connection, after: string, limit: number): Promise<GuardRow[]> {
  return db
    .selectFrom('rollout_guard')
    .innerJoin('rollout', 'rollout.id', 'rollout_guard.rollout_id')
    .selectAll('rollout_guard')
    .where('rollout_guard.state', '=', 'watching')
    .where('rollout.state', 'in', ['active', 'paused'])
    .where('rollout.awaits_start', '=', 0)
    .where('rollout_guard.rollout_id', '>', after)
    .orderBy('rollout_guard.rollout_id')
    .limit(limit)
    .execute()
}

/** Compare-and-set: false when the guard has changed since it was read. */
export async function updateGuard(
  db: Connection,
  { rollout_id, revision }: Pick<GuardRow, 'rollout_id' | 'revision'>,
  changes: Updateable<GuardRow>,
): Promise<boolean> {
  const result = await db
    .updateTable('rollout_guard')
    .set({ ...changes, revision: revision + 1 })
    .where('rollout_id', '=', rollout_id)
    .where('revision', '=', revision)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
