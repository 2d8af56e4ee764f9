import { sql } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { MIGRATIONS } from './migrations/index.ts'
import type { Database } from './schema.ts'
import { isSqlite } from './sqlite-dialect.ts'

/** The data belongs to a newer server. Nothing was touched. */
export class SchemaTooNewError extends Error {
  override name = 'SchemaTooNewError'
}

/** There is nowhere to make tables. */
export class NoSchemaError extends Error {
  override name = 'NoSchemaError'
}

/** By the names of migrations. */
export interface SchemaChange {
  /** Null where no server had made tables. */
  from: string | null
  to: string
}

/**
 * Brings the schema up to date, under the migrator's lock.
 * @returns what that changed, if anything was missing
 * @throws SchemaTooNewError when a newer server has already migrated this database
 */
export async function migrate(
  db: Database,
  migrations: Record<string, Migration> = MIGRATIONS,
): Promise<SchemaChange | undefined> {
  const schema = await ownSchema(db)
  const done = await doneMigrations(db, schema)
  refuseNewerSchema(done, migrations)
  // The migrator first asks for all that the database knows of every table.
  if (missingMigrations(done, migrations).length === 0) return undefined
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    ...(schema !== undefined && { migrationTableSchema: schema }),
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName
    const what = failed === undefined ? 'The database could not be migrated' : `The database migration ${failed} failed`
    throw new Error(`${what}; nothing was changed.`, { cause: error })
  }
  // Of two servers that start at once, one has waited for the other, and found nothing to do any more.
  const to = results?.at(-1)?.migrationName
  return to === undefined ? undefined : { from: done.at(-1) ?? null, to }
}

/** That this is not a database of this version's: what it says of artifacts may not be all. */
export class SchemaNotCurrentError extends Error {
  override name = 'SchemaNotCurrentError'
}

/**
 * For what only looks, and migrates nothing.
 * @throws SchemaTooNewError
 * @throws SchemaNotCurrentError
 */
export async function requireCurrentSchema(
  db: Database,
  migrations: Record<string, Migration> = MIGRATIONS,
): Promise<void> {
  const done = await doneMigrations(db, await ownSchema(db))
  refuseNewerSchema(done, migrations)
  const missing = missingMigrations(done, migrations)
  if (missing.length === 0) return
  const found = done.length === 0 ? 'one that no server has made tables in' : `one without "${missing[0]}"`
  throw new SchemaNotCurrentError(
    `Expected the database of a server of this version, found ${found}. Look at DATABASE_URL and HOTPATCH_DATA, and ` +
      'start the server of this version once before.',
  )
}

/**
 * Where PostgreSQL makes tables that are named without a schema. Others of the database may be another server's, and
 * are not looked at. Undefined on SQLite.
 */
async function ownSchema(db: Database): Promise<string | undefined> {
  if (isSqlite(db)) return undefined
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db)
  const schema = rows[0]?.schema
  if (schema) return schema
  throw new NoSchemaError(
    'None of the schemas in the search_path of DATABASE_URL exists. Create one (create schema …), or correct the path.',
  )
}

/** By name, in order; none where no server has made tables. */
async function doneMigrations(db: Database, schema: string | undefined): Promise<string[]> {
  const table = sql.id(...(schema === undefined ? [] : [schema]), 'kysely_migration')
  const { rows: tables } = await (
    schema === undefined
      ? sql`select name from sqlite_master where type = 'table' and name = 'kysely_migration'`
      : sql`select tablename from pg_tables where schemaname = ${schema} and tablename = 'kysely_migration'`
  ).execute(db)
  if (tables.length === 0) return []
  const { rows } = await sql<{ name: string }>`select name from ${table} order by name`.execute(db)
  return rows.map(({ name }) => name)
}

function missingMigrations(done: readonly string[], migrations: Record<string, Migration>): string[] {
  return Object.keys(migrations).filter((name) => !done.includes(name))
}

function refuseNewerSchema(done: readonly string[], migrations: Record<string, Migration>): void {
  const unknown = done.filter((name) => !Object.hasOwn(migrations, name))
  if (unknown.length === 0) return
  throw new SchemaTooNewError(
    `The database has the schema "${unknown.at(-1)}", and this server knows up to "${Object.keys(migrations).at(-1)}". ` +
      'Run the newer version of HotPatch that made it, or restore the backup from before that upgrade.',
  )
}
