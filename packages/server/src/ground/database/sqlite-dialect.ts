import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type SqliteDatabase,
  type SqliteDialectConfig,
  type SqliteStatement,
} from 'kysely'
import type { Connection } from './schema.ts'

/** How long a write waits for another connection's, before it fails. */
const BUSY_TIMEOUT_MS = 10_000

/** Prepared statements that one connection keeps; queries are few and repeat. */
const MAX_STATEMENTS = 200

/** Kysely over Node's own SQLite: a file, ":memory:", or one that is open already and is closed with it. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig
  #opened: DatabaseSync | undefined

  constructor(given: string | DatabaseSync) {
    const open = () => {
      this.#opened = openDatabase(given)
      return Promise.resolve(adaptDatabase(this.#opened))
    }
    const config = { database: open }
    super(config)
    this.#config = config
  }

  override createDriver() {
    return new ImmediateSqliteDriver(this.#config, () => this.#opened?.isTransaction ?? false)
  }

  override createAdapter() {
    return new TransactionalSqliteAdapter()
  }
}

/**
 * A transaction is for writing from its beginning. One that reads first and writes then is refused when another
 * connection (the fleet's writer) has written in between, and no waiting helps it.
 */
class ImmediateSqliteDriver extends SqliteDriver {
  readonly #isInTransaction: () => boolean

  constructor(config: SqliteDialectConfig, isInTransaction: () => boolean) {
    super(config)
    this.#isInTransaction = isInTransaction
  }

  override async beginTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /** On a full disk SQLite has done so by itself: that must not hide what went wrong. */
  override async rollbackTransaction(connection: DatabaseConnection) {
    if (this.#isInTransaction()) await super.rollbackTransaction(connection)
  }
}

/** SQLite does roll back DDL, so a migration that stops half way leaves nothing behind. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true
  }
}

function openDatabase(given: string | DatabaseSync): DatabaseSync {
  const options = { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true }
  const database = typeof given === 'string' ? new DatabaseSync(given, options) : given
  // FULL: a committed row survives a power cut, not only a crash of the process.
  database.exec('pragma journal_mode = wal; pragma synchronous = full')
  return database
}

function adaptDatabase(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(sql) {
      const known = statements.get(sql)
      if (known) return known
      const statement = adapt(database.prepare(sql))
      if (statements.size >= MAX_STATEMENTS) statements.clear()
      statements.set(sql, statement)
      return statement
    },
  }
}

function adapt(statement: StatementSync): SqliteStatement {
  const reader = statement.columns().length > 0
  return {
    reader,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
  }
}

/** There one connection writes at a time, and rows are not locked one by one. */
export function isSqlite(db: Connection): boolean {
  return db.getExecutor().adapter instanceof SqliteAdapter
}
