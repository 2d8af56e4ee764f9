import type { Kysely } from 'kysely'

/** A deleted app's row stays: what a device told at that moment may still be on its way to the database. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('app').addColumn('deleted_at', 'bigint').execute()
}
