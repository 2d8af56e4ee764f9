import { sql } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { MIGRATIONS } from './migrations/index.ts'
import type { Database } from './schema.ts'

/** The data belongs to a newer server. Nothing was touched. */
export class SchemaTooNewError extends Error {
  override name = 'SchemaTooNewError'
}

/**
 * Brings the schema up to date, under the migrator's lock.
 * @throws SchemaTooNewError when a newer server has already migrated this database
 */
export async function migrate(db: Database, migrations: Record<string, Migration> = MIGRATIONS): Promise<void> {
  await refuseNewerSchema(db, migrations)
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })
  const { error, results } = await migrator.migrateToLatest()
  if (error) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName
    throw new Error(`The database migration ${failed ?? ''} failed and was undone.`, { cause: error })
  }
}

async function refuseNewerSchema(db: Database, migrations: Record<string, Migration>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  const unknown = rows.map((row) => row.name).filter((name) => !Object.hasOwn(migrations, name))
  if (unknown.length === 0) return
  throw new SchemaTooNewError(
    `The database has the schema "${unknown.at(-1)}", and this server knows up to "${Object.keys(migrations).at(-1)}". ` +
      'Run the newer version of HotPatch that made it, or restore the backup from before that upgrade.',
  )
}
