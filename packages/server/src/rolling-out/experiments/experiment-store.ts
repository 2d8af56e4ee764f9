import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type ExperimentRow = Schema['experiment']

export function insertExperiment(db: Connection, experiment: ExperimentRow) {
  return db.insertInto('experiment').values(experiment).execute()
}

export function findExperiment(db: Connection, id: string) {
  return db.selectFrom('experiment').selectAll().where('id', '=', id).executeTakeFirst()
}

export function listExperiments(db: Connection, appId: string, { after, limit }: PageRequest) {
  return db
    .selectFrom('experiment')
    .selectAll()
    .where('app_id', '=', appId)
    .$if(after !== undefined, (experiments) => experiments.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** False when it has ended already: of two that end it at once, one is told. */
export async function endExperiment(
  tx: Connection,
  id: string,
  { winner, finishedAt }: { winner: string | null; finishedAt: number },
): Promise<boolean> {
  const result = await tx
    .updateTable('experiment')
    .set({ state: 'finished', winner, finished_at: finishedAt })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
