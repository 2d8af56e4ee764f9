import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely'
import { createReadThread, type ReadThread, type ReadThreadOptions } from './sqlite-thread.ts'

/** Kysely over a thread that reads an SQLite file. It neither writes nor keeps a transaction. */
export class SqliteThreadDialect implements Dialect {
  readonly #options: ReadThreadOptions

  constructor(options: ReadThreadOptions) {
    this.#options = options
  }

  createAdapter() {
    return new SqliteAdapter()
  }

  createDriver() {
    return new ThreadDriver(createReadThread(this.#options))
  }

  createIntrospector(db: Kysely<unknown>) {
    return new SqliteIntrospector(db)
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler()
  }
}

class ThreadDriver implements Driver {
  readonly #thread: ReadThread
  readonly #connection: ThreadConnection

  constructor(thread: ReadThread) {
    this.#thread = thread
    this.#connection = new ThreadConnection(thread)
  }

  async init() {}

  async acquireConnection() {
    return this.#connection
  }

  beginTransaction(): Promise<void> {
    throw new Error('This connection reads only: open the transaction on the other one.')
  }

  async commitTransaction() {}

  async rollbackTransaction() {}

  async releaseConnection() {}

  destroy() {
    return this.#thread.close()
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #thread: ReadThread

  constructor(thread: ReadThread) {
    this.#thread = thread
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return { rows: (await this.#thread.query(sql, parameters)) as Row[] }
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('This connection answers as a whole.')
  }
}
