import { Kysely, PostgresDialect, sql, type Dialect, type PostgresPool } from 'kysely'
import { types } from 'pg'
import { createFollowingPool } from './postgres/following-pool.ts'
import { createServerChoice, type ServerChoice } from './postgres/server-choice.ts'
import { readServerList } from './postgres/server-list.ts'
import type { Database, Schema } from './schema.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import { SqliteThreadDialect } from './sqlite-thread-dialect.ts'

/** Where the facts are. */
export type DatabaseConfig =
  | { kind: 'sqlite'; path: string }
  | { kind: 'postgres'; url: string; maxConnections: number }

/** Whom connections of PostgreSQL are for: each has its own, so that none waits for another's. */
export type PoolUse = 'people' | 'devices' | 'figures' | 'replica' | 'watch' | 'migrations'

/**
 * A statement that runs longer is a mistake or an attack, and one that waits longer for others waits for something that
 * hangs; uploads and downloads hold no connection. 0 is without end.
 */
const TIMEOUTS_MS = {
  people: { connect: 10_000, statement: 30_000, lock: 10_000 },
  devices: { connect: 10_000, statement: 30_000, lock: 10_000 },
  figures: { connect: 10_000, statement: 60_000, lock: 5_000 },
  // Whoever cannot have it takes the other way, and should not wait long before.
  replica: { connect: 3_000, statement: 60_000, lock: 5_000 },
  watch: { connect: 3_000, statement: 3_000, lock: 3_000 },
  // Less than the second after which PostgreSQL looks for deadlocks: a migration gives way before others are made to.
  migrations: { connect: 10_000, statement: 0, lock: 800 },
} as const satisfies Record<PoolUse, { connect: number; statement: number; lock: number }>

/** So much later than PostgreSQL itself would have ended the statement. */
const SILENCE_MARGIN_MS = 5_000

/** What is put around the way to a database, such as what tells how long queries take. */
export type Around = (dialect: Dialect) => Dialect

const asItIs: Around = (dialect) => dialect

/** @param choice which server to use: one for all that is opened of one address */
export function openDatabase(
  config: DatabaseConfig,
  use: PoolUse = 'people',
  choice?: ServerChoice,
  around = asItIs,
): Database {
  switch (config.kind) {
    case 'sqlite':
      return new Kysely<Schema>({ dialect: around(new NodeSqliteDialect(config.path)) })
    case 'postgres':
      return openOverPool(openPool(config, use, choice), around)
  }
}

export function openOverPool(pool: PostgresPool, around = asItIs): Database {
  return new Kysely<Schema>({ dialect: around(new PostgresDialect({ pool })) })
}

/** A second way to an SQLite file, for reads that take long: they run in a thread, and block nobody. It cannot write. */
export function openReadThread(path: string, around = asItIs): Database {
  return new Kysely<Schema>({ dialect: around(new SqliteThreadDialect({ path })) })
}

/** @throws when the database does not answer */
export async function pingDatabase(db: Database): Promise<void> {
  await sql`select 1`.execute(db)
}

/** Which of the servers of an address to use. @param url one that `readServerList` takes */
export function chooseAmong(url: string): ServerChoice {
  const list = readServerList(url)
  if (!list) throw new Error('DATABASE_URL is not the address of a PostgreSQL database.')
  return createServerChoice(list)
}

export function openPool(
  { url, maxConnections }: { url: string; maxConnections: number },
  use: PoolUse,
  given?: ServerChoice,
): PostgresPool {
  const { connect, statement, lock } = TIMEOUTS_MS[use]
  const choice = given ?? chooseAmong(url)
  const pool = createFollowingPool(choice, {
    max: maxConnections,
    connectionTimeoutMillis: connect,
    statement_timeout: statement,
    lock_timeout: lock,
    silenceMs: statement === 0 ? 0 : statement + SILENCE_MARGIN_MS,
    application_name: `hotpatch-${use}`,
    // Times and sizes are bigint there and safe integers here.
    types: {
      getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)),
    },
  })
  if (given) return pool
  const end = async () => {
    choice.close()
    await pool.end()
  }
  return { ...pool, end }
}
