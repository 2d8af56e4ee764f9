import { sql } from 'kysely'
import { HOUR_MS } from '../../../ground/clock.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { STANDING } from '../../../fleet/progress/believed-devices.ts'

/** As if so many believed devices had attempted a rollout, so many of them badly, in the hour of `at`. */
export async function addAttempts(
  db: Database,
  rolloutId: string,
  { attempted, bad }: { attempted: number; bad: number },
  at: number,
): Promise<void> {
  const row = { rollout_id: rolloutId, hour_at: at - (at % HOUR_MS), attempted, attempted_bad: bad }
  await db
    .insertInto('rollout_hour')
    .values(row as never)
    .onConflict((conflict) =>
      conflict.columns(['rollout_id', 'hour_at']).doUpdateSet({
        attempted: sql<number>`rollout_hour.attempted + excluded.attempted`,
        attempted_bad: sql<number>`rollout_hour.attempted_bad + excluded.attempted_bad`,
      }),
    )
    .execute()
  await db
    .insertInto('rollout_sample')
    .values({ ...row, standing: STANDING.noNetwork })
    .onConflict((conflict) =>
      conflict.columns(['rollout_id', 'hour_at', 'standing']).doUpdateSet({
        attempted: sql<number>`rollout_sample.attempted + excluded.attempted`,
        attempted_bad: sql<number>`rollout_sample.attempted_bad + excluded.attempted_bad`,
      }),
    )
    .execute()
}
