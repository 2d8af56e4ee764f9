import type { Kysely } from 'kysely'

/** When a device's binary was built, as it tells that: what is older, and for no binary in particular, it refuses. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('device').addColumn('embedded_built_at', 'bigint').execute()
}
