import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type CohortRow = Schema['cohort']
export type CountedCohortRow = CohortRow & { device_count: number }

/**
 * Two parameters each: far below the databases' limits. On SQLite a statement runs in the serving thread, and 500 rows
 * take about a millisecond and a half; checks get their turn between the statements.
 */
const ROWS_PER_STATEMENT = 500

export function insertCohort(db: Connection, cohort: CohortRow) {
  return db.insertInto('cohort').values(cohort).execute()
}

export function listCohorts(db: Connection, appId: string): Promise<CountedCohortRow[]> {
  return selectCounted(db).where('cohort.app_id', '=', appId).orderBy('cohort.name').execute()
}

export function findCohort(db: Connection, appId: string, name: string): Promise<CountedCohortRow | undefined> {
  return selectCounted(db).where('cohort.app_id', '=', appId).where('cohort.name', '=', name).executeTakeFirst()
}

export async function findCohortId(db: Connection, appId: string, name: string): Promise<string | undefined> {
  const cohorts = db.selectFrom('cohort').select('id').where('app_id', '=', appId).where('name', '=', name)
  return (await cohorts.executeTakeFirst())?.id
}

export async function countCohorts(db: Connection, appId: string): Promise<number> {
  const { cohorts } = await db
    .selectFrom('cohort')
    .select((select) => select.fn.countAll<number>().as('cohorts'))
    .where('app_id', '=', appId)
    .executeTakeFirstOrThrow()
  return cohorts
}

function selectCounted(db: Connection) {
  return db
    .selectFrom('cohort')
    .selectAll('cohort')
    .select((select) =>
      select
        .selectFrom('cohort_member')
        .whereRef('cohort_member.cohort_id', '=', 'cohort.id')
        .select((count) => count.fn.countAll<number>().as('devices'))
        .$asScalar()
        .$notNull()
        .as('device_count'),
    )
}

/** Raises the generation, and keeps others from changing the cohort until the transaction ends. */
export function touchCohort(tx: Connection, id: string, updatedAt: number) {
  return tx
    .updateTable('cohort')
    .set((set) => ({ generation: set('generation', '+', 1), updated_at: updatedAt }))
    .where('id', '=', id)
    .execute()
}

/** With its members, which the foreign key would delete in one go. */
export async function deleteCohort(tx: Connection, id: string): Promise<void> {
  await removeAllMembers(tx, id)
  await tx.deleteFrom('cohort').where('id', '=', id).execute()
}

/** Those that are members already stay so. */
export async function addMembers(tx: Connection, cohortId: string, deviceIds: readonly string[]): Promise<void> {
  for (const chunk of chunks(deviceIds)) {
    await tx
      .insertInto('cohort_member')
      .values(chunk.map((device_id) => ({ cohort_id: cohortId, device_id })))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await setImmediate()
  }
}

export async function removeMembers(tx: Connection, cohortId: string, deviceIds: readonly string[]): Promise<void> {
  for (const chunk of chunks(deviceIds)) {
    await tx.deleteFrom('cohort_member').where('cohort_id', '=', cohortId).where('device_id', 'in', chunk).execute()
    await setImmediate()
  }
}

export async function removeAllMembers(tx: Connection, cohortId: string): Promise<void> {
  let deleted
  do {
    const some = tx
      .selectFrom('cohort_member')
      .select('device_id')
      .where('cohort_id', '=', cohortId)
      .limit(sql.lit(ROWS_PER_STATEMENT))
    deleted = await tx
      .deleteFrom('cohort_member')
      .where('cohort_id', '=', cohortId)
      .where('device_id', 'in', some)
      .executeTakeFirst()
    await setImmediate()
  } while (deleted.numDeletedRows > 0n)
}

/** In the order of their ids, from the one after `after`. */
export async function listMembers(
  db: Connection,
  cohortId: string,
  after: string | undefined,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('cohort_member')
    .select('device_id')
    .where('cohort_id', '=', cohortId)
    .$if(after !== undefined, (members) => members.where('device_id', '>', after ?? ''))
    .orderBy('device_id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.device_id)
}

export function listGenerations(db: Connection) {
  return db.selectFrom('cohort').select(['id', 'app_id', 'name', 'generation']).execute()
}

/** Rollouts that may still bring a release to somebody and name this cohort. */
export async function listLiveRolloutsFor(db: Connection, appId: string, name: string) {
  const rows = await db
    .selectFrom('rollout')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .select(['rollout.id', 'rollout.cohorts', 'rollout.platform', 'rollout.channel', 'rollout.state'])
    .select(['rollout.percentage', 'release.version'])
    .where('rollout.app_id', '=', appId)
    .where('rollout.state', 'in', ['active', 'paused'])
    .where('rollout.cohorts', '!=', '[]')
    .orderBy('rollout.id', 'desc')
    .execute()
  return rows.filter((row) => (JSON.parse(row.cohorts) as string[]).includes(name))
}

function* chunks(ids: readonly string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += ROWS_PER_STATEMENT)
    yield ids.slice(start, start + ROWS_PER_STATEMENT)
}
