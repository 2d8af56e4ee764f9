import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, types } from 'pg'
import type { Database, Schema } from './schema.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import { SqliteThreadDialect } from './sqlite-thread-dialect.ts'

/** Where the facts are. */
export type DatabaseConfig =
  | { kind: 'sqlite'; path: string }
  | { kind: 'postgres'; url: string; maxConnections: number }

/** Whom connections of PostgreSQL are for: each has its own, so that none waits for another's. */
export type PoolUse = 'people' | 'devices' | 'figures' | 'migrations'

/**
 * A statement that runs longer is a mistake or an attack, and one that waits longer for others waits for something that
 * hangs; uploads and downloads hold no connection. 0 is without end.
 */
const TIMEOUTS_MS = {
  people: { statement: 30_000, lock: 10_000 },
  devices: { statement: 30_000, lock: 10_000 },
  figures: { statement: 60_000, lock: 5_000 },
  migrations: { statement: 0, lock: 3_000 },
} as const satisfies Record<PoolUse, { statement: number; lock: number }>

export function openDatabase(config: DatabaseConfig, use: PoolUse = 'people'): Database {
  switch (config.kind) {
    case 'sqlite':
      return new Kysely<Schema>({ dialect: new NodeSqliteDialect(config.path) })
    case 'postgres':
      return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(config, use) }) })
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

function openPool(config: { url: string; maxConnections: number }, use: PoolUse): Pool {
  const pool = new Pool({
    connectionString: config.url,
    max: config.maxConnections,
    connectionTimeoutMillis: 10_000,
    // A connection whose other end is gone without a word is found out.
    keepAlive: true,
    statement_timeout: TIMEOUTS_MS[use].statement,
    lock_timeout: TIMEOUTS_MS[use].lock,
    application_name: `hotpatch ${use}`,
    // Times and sizes are bigint there and safe integers here.
    types: {
      getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)),
    },
  })
  // An idle connection that breaks (a restarted database) is replaced at the next query, which reports what is wrong.
  pool.on('error', () => undefined)
  return pool
}
