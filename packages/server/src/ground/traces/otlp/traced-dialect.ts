import {
  AliasNode,
  TableNode,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type OperationNode,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import type { NewSpan } from '../traces.ts'
import type { Span, Spans } from './spans.ts'

interface Tracing {
  spans: Spans
  system: 'sqlite' | 'postgresql'
}

/** Tells of queries what they do and with which table, and of transactions how they end; never the text, nor values. */
export function traceDialect(dialect: Dialect, tracing: Tracing): Dialect {
  return {
    createDriver: () => new TracedDriver(dialect.createDriver(), tracing),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
  }
}

class TracedDriver implements Driver {
  readonly #inner: Driver
  readonly #tracing: Tracing
  /** The library knows a connection again by its object. */
  readonly #connections = new WeakMap<DatabaseConnection, TracedConnection>()

  constructor(inner: Driver, tracing: Tracing) {
    this.#inner = inner
    this.#tracing = tracing
  }

  init(...given: Parameters<Driver['init']>) {
    return this.#inner.init(...given)
  }

  async acquireConnection(...given: Parameters<Driver['acquireConnection']>) {
    const inner = await this.#inner.acquireConnection(...given)
    const known = this.#connections.get(inner)
    if (known) return known
    const connection = new TracedConnection(inner, this.#tracing)
    this.#connections.set(inner, connection)
    return connection
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings) {
    const { system, spans } = this.#tracing
    const traced = connection as TracedConnection
    traced.transaction = spans.startStep({ name: 'transaction', attributes: { 'db.system.name': system } })
    try {
      await this.#inner.beginTransaction(traced.inner, settings)
    } catch (error) {
      traced.endTransaction('not begun', error)
      throw error
    }
  }

  async commitTransaction(connection: DatabaseConnection) {
    const traced = connection as TracedConnection
    try {
      await this.#inner.commitTransaction(traced.inner)
      traced.endTransaction('committed')
    } catch (error) {
      traced.endTransaction('not committed', error)
      throw error
    }
  }

  async rollbackTransaction(connection: DatabaseConnection) {
    const traced = connection as TracedConnection
    try {
      await this.#inner.rollbackTransaction(traced.inner)
    } finally {
      traced.endTransaction('rolled back')
    }
  }

  async releaseConnection(connection: DatabaseConnection, ...given: [options?: object]) {
    const traced = connection as TracedConnection
    traced.endTransaction('left')
    await this.#inner.releaseConnection(traced.inner, ...given)
  }

  destroy(...given: Parameters<Driver['destroy']>) {
    return this.#inner.destroy(...given)
  }
}

class TracedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection
  /** The one that is under way on it, if it is told of. */
  transaction: Span | undefined
  readonly #tracing: Tracing

  constructor(inner: DatabaseConnection, tracing: Tracing) {
    this.inner = inner
    this.#tracing = tracing
    // The library asks whether there are these.
    const { cancelQuery, collectSessionInfo, killSession } = inner
    if (cancelQuery) this.cancelQuery = cancelQuery.bind(inner)
    if (collectSessionInfo) this.collectSessionInfo = collectSessionInfo.bind(inner)
    if (killSession) this.killSession = killSession.bind(inner)
  }

  cancelQuery?: NonNullable<DatabaseConnection['cancelQuery']>
  collectSessionInfo?: NonNullable<DatabaseConnection['collectSessionInfo']>
  killSession?: NonNullable<DatabaseConnection['killSession']>

  async executeQuery<Row>(query: CompiledQuery, ...given: [options?: object]): Promise<QueryResult<Row>> {
    const { spans, system } = this.#tracing
    const span = spans.startStep(describeQuery(query, system), { parent: this.transaction })
    try {
      const result = await this.inner.executeQuery<Row>(query, ...given)
      span?.end()
      return result
    } catch (error) {
      span?.end(error)
      throw error
    }
  }

  /** From the first row to the last one, or to where its reader had enough. */
  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number, ...given: [options?: object]) {
    const { spans, system } = this.#tracing
    const span = spans.startStep(describeQuery(query, system), { parent: this.transaction })
    try {
      yield* this.inner.streamQuery<Row>(query, chunkSize, ...given)
    } catch (error) {
      span?.end(error)
      throw error
    } finally {
      span?.end()
    }
  }

  endTransaction(outcome: string, error?: unknown): void {
    const span = this.transaction
    this.transaction = undefined
    span?.add({ 'hotpatch.transaction.outcome': outcome })
    span?.end(error)
  }
}

const OPERATIONS: Readonly<Record<string, string>> = {
  SelectQueryNode: 'SELECT',
  InsertQueryNode: 'INSERT',
  UpdateQueryNode: 'UPDATE',
  DeleteQueryNode: 'DELETE',
}

/** What was written by hand has no parts of which one could tell some: it is a query. */
function describeQuery({ query }: CompiledQuery, system: Tracing['system']): NewSpan {
  const operation = OPERATIONS[query.kind]
  const attributes = { 'db.system.name': system }
  if (operation === undefined) return { name: 'query', kind: 'client', attributes }
  const table = tableOf(query)
  return {
    name: table === undefined ? operation : `${operation} ${table}`,
    kind: 'client',
    attributes: {
      ...attributes,
      'db.operation.name': operation,
      ...(table !== undefined && { 'db.collection.name': table }),
    },
  }
}

/** The first table that a query names; of a table that is a query itself, none. */
function tableOf(node: CompiledQuery['query']): string | undefined {
  switch (node.kind) {
    case 'SelectQueryNode':
    case 'DeleteQueryNode':
      return nameOf(node.from?.froms[0])
    case 'InsertQueryNode':
      return nameOf(node.into)
    case 'UpdateQueryNode':
      return nameOf(node.table)
    default:
      return undefined
  }
}

function nameOf(node: OperationNode | undefined): string | undefined {
  if (!node) return undefined
  if (AliasNode.is(node)) return nameOf(node.node)
  return TableNode.is(node) ? node.table.identifier.name : undefined
}
