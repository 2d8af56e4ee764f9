import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, types } from 'pg'
import type { Database, Schema } from './schema.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import { SqliteThreadDialect } from './sqlite-thread-dialect.ts'

/** Where the facts are. */
export type DatabaseConfig =
  | { kind: 'sqlite'; path: string }
  | { kind: 'postgres'; url: string; maxConnections: number }

/** A statement that runs longer is a mistake or an attack; uploads and downloads hold no connection. */
const STATEMENT_TIMEOUT_MS = 30_000

export function openDatabase(config: DatabaseConfig): Database {
  switch (config.kind) {
    case 'sqlite':
      return new Kysely<Schema>({ dialect: new NodeSqliteDialect(config.path) })
    case 'postgres':
      return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(config) }) })
  }
}

/** A second way to an SQLite file, for reads that take long: they run in a thread, and block nobody. It cannot write. */
export function openReadThread(path: string): Database {
  return new Kysely<Schema>({ dialect: new SqliteThreadDialect({ path }) })
}

/** @throws when the database does not answer */
export async function pingDatabase(db: Database): Promise<void> {
  await sql`select 1`.execute(db)
}

function openPool(config: { url: string; maxConnections: number }): Pool {
  const pool = new Pool({
    connectionString: config.url,
    max: config.maxConnections,
    connectionTimeoutMillis: 10_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // Times and sizes are bigint there and safe integers here.
    types: {
      getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)),
    },
  })
  // An idle connection that breaks (a restarted database) is replaced at the next query, which reports what is wrong.
  pool.on('error', () => undefined)
  return pool
}
