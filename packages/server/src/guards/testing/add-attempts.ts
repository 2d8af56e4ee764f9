import { sql } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { HOUR_MS } from '../../fleet/rollout-progress.ts'

/** As if so many devices had attempted a rollout, so many of them badly, in the hour of `at`. */
export async function addAttempts(
  db: Database,
  rolloutId: string,
  { attempted, bad }: { attempted: number; bad: number },
  at: number,
): Promise<void> {
  await db
    .insertInto('rollout_hour')
    .values({ rollout_id: rolloutId, hour_at: at - (at % HOUR_MS), attempted, attempted_bad: bad } as never)
    .onConflict((conflict) =>
      conflict.columns(['rollout_id', 'hour_at']).doUpdateSet({
        attempted: sql<number>`rollout_hour.attempted + excluded.attempted`,
        attempted_bad: sql<number>`rollout_hour.attempted_bad + excluded.attempted_bad`,
      }),
    )
    .execute()
}
