import type { Kysely } from 'kysely'

/** What devices tell of themselves in one column, by the registry of attributes; and which protocol they speak. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const name of ['os_version', 'model', 'locale', 'native_build']) {
    await db.schema.alterTable('device').dropColumn(name).execute()
  }
  await db.schema
    .alterTable('device')
    .addColumn('attributes', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute()
  await db.schema.alterTable('device').addColumn('dialect', 'text').execute()
}
