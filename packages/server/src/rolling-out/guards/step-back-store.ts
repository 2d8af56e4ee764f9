import type { Connection } from '../../ground/database/schema.ts'
import type { StepBack } from '../rollouts/placement.ts'

/** @param steps nearest first */
export async function insertStepsBack(db: Connection, rolloutId: string, steps: readonly StepBack[]): Promise<void> {
  if (steps.length === 0) return
  const rows = steps.map(({ releaseId, statement }, index) => ({
    rollout_id: rolloutId,
    step: index + 1,
    release_id: releaseId,
    statement_id: statement.id,
  }))
  await db.insertInto('step_back').values(rows).execute()
}

/** Nearest first. */
export async function listStepsBack(db: Connection, rolloutId: string): Promise<StepBack[]> {
  const rows = await db
    .selectFrom('step_back')
    .innerJoin('statement', 'statement.id', 'step_back.statement_id')
    .selectAll('statement')
    .select('step_back.release_id')
    .where('step_back.rollout_id', '=', rolloutId)
    .orderBy('step_back.step')
    .execute()
  return rows.map(({ release_id: releaseId, ...statement }) => ({ releaseId, statement }))
}
