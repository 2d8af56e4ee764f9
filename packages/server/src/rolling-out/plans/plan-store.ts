import type { Updateable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type PlanRow = Schema['rollout_plan']

export function insertPlan(db: Connection, plan: PlanRow) {
  return db.insertInto('rollout_plan').values(plan).execute()
}

export function findPlan(db: Connection, rolloutId: string): Promise<PlanRow | undefined> {
  return db.selectFrom('rollout_plan').selectAll().where('rollout_id', '=', rolloutId).executeTakeFirst()
}

/** Those that may go on: their rollout is active and has started. */
export function listRunningPlans(db: Connection, after: string, limit: number): Promise<PlanRow[]> {
  return db
    .selectFrom('rollout_plan')
    .innerJoin('rollout', 'rollout.id', 'rollout_plan.rollout_id')
    .selectAll('rollout_plan')
    .where('rollout_plan.state', '=', 'running')
    .where('rollout.state', '=', 'active')
    .where('rollout.awaits_start', '=', 0)
    .where('rollout_plan.rollout_id', '>', after)
    .orderBy('rollout_plan.rollout_id')
    .limit(limit)
    .execute()
}

/** Compare-and-set: false when the plan has changed since it was read, or does not run any more. */
export async function updatePlan(
  db: Connection,
  { rollout_id, revision }: Pick<PlanRow, 'rollout_id' | 'revision'>,
  changes: Updateable<PlanRow>,
): Promise<boolean> {
  const result = await db
    .updateTable('rollout_plan')
    .set({ ...changes, revision: revision + 1 })
    .where('rollout_id', '=', rollout_id)
    .where('revision', '=', revision)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
