import { PGlite } from '@electric-sql/pglite'
import { openDatabase, type Database, type Schema } from '@hotpatch/server/testing'
import { Kysely, PGliteDialect } from 'kysely'
import { afterAll, describe, inject } from 'vitest'
import { readMigratedPglite } from './migrated-pglite.ts'
import { openMigratedSqlite } from './migrated-sqlite.ts'
import { createPostgresDatabase } from './postgres-database.ts'

/** Opens an empty, migrated database; it is closed, and dropped where that applies, when the file's tests end. */
export type OpenTestDatabase = () => Promise<Database>

const INT8 = 20

/**
 * Runs the same tests on SQLite, and on the PostgreSQL that TEST_POSTGRES_URL names, or else on PGlite.
 * @param define gets the database's name, for the rare fact that differs
 */
export function describeOnEveryDatabase(
  name: string,
  define: (open: OpenTestDatabase, database: 'sqlite' | 'pglite' | 'postgres') => void,
): void {
  const url = process.env.TEST_POSTGRES_URL
  describe(`${name} (SQLite)`, () => define(keepingTrack(openSqlite), 'sqlite'))
  // It stands in for a real one, and where there is one it would say the same again.
  if (!url) describe(`${name} (PGlite)`, () => define(keepingTrack(openPglite), 'pglite'))
  describe.skipIf(!url)(`${name} (PostgreSQL)`, () =>
    define(
      keepingTrack(() => openPostgres(url ?? '')),
      'postgres',
    ),
  )
}

interface TestDatabase {
  db: Database
  close(): Promise<void>
}

/** Every database that was opened is closed after the tests. */
function keepingTrack(open: () => Promise<TestDatabase>): OpenTestDatabase {
  const opened: TestDatabase[] = []
  afterAll(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()))
  })
  return async () => {
    const database = await open()
    opened.push(database)
    return database.db
  }
}

async function openSqlite(): Promise<TestDatabase> {
  const db = await openMigratedSqlite()
  return { db, close: () => db.destroy() }
}

let migratedPglite: Promise<Blob> | undefined

async function openPglite(): Promise<TestDatabase> {
  migratedPglite ??= readMigratedPglite()
  const pglite = new PGlite({ loadDataDir: await migratedPglite, parsers: { [INT8]: Number } })
  const db = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) })
  return { db, close: () => db.destroy() }
}

/** A database of its own, so that test files can run side by side on one server: a copy of one that was migrated once. */
async function openPostgres(serverUrl: string): Promise<TestDatabase> {
  const { url, drop } = await createPostgresDatabase(serverUrl, inject('migratedPostgres'))
  const db = openDatabase({ kind: 'postgres', url, maxConnections: 5 })
  return {
    db,
    async close() {
      await db.destroy()
      await drop()
    },
  }
}
