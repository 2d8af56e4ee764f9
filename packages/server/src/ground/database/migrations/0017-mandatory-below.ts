import type { Kysely } from 'kysely'

/** A rollout that is mandatory for old shells only. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('rollout').addColumn('mandatory_below', 'text').execute()
}
