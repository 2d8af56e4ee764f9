import {
  createAdapterFactory,
  type CleanedWhere,
  type DBAdapter,
  type DBTransactionAdapter,
} from 'better-auth/adapters'
import type { BetterAuthOptions } from 'better-auth'
import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import type { Connection, Database } from '../../../ground/database/schema.ts'

/** The library's words for our tables. */
const TABLES: Readonly<Record<string, string>> = {
  user: 'person',
  session: 'person_session',
  account: 'sign_in_method',
  verification: 'sign_in_verification',
  twoFactor: 'two_factor',
}

// The library names tables and columns when it asks.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyTables = Kysely<any>
type Row = Record<string, unknown>

/** The library's way to our tables: names with underscores, times in milliseconds, truth as 0 or 1. */
export function authAdapter(db: Database): (options: BetterAuthOptions) => DBAdapter {
  return (options) => adapterOn(db, options)
}

function adapterOn(connection: Connection, options: BetterAuthOptions): DBAdapter {
  const transaction = <Result>(work: (tx: DBTransactionAdapter) => Promise<Result>) =>
    connection.transaction().execute((tx) => work(adapterOn(tx, options)))
  return createAdapterFactory({
    config: {
      adapterId: 'hotpatch',
      supportsBooleans: false,
      customTransformInput: ({ data }) => (data instanceof Date ? data.getTime() : (data as unknown)),
      customTransformOutput: ({ data, fieldAttributes }) =>
        fieldAttributes.type === 'date' && typeof data === 'number' ? new Date(data) : (data as unknown),
      transaction: connection.isTransaction ? false : transaction,
    },
    adapter: () => methodsOn(connection),
  })(options)
}

function methodsOn(connection: Connection) {
  const db = connection as unknown as AnyTables

  async function create<T>({ model, data }: { model: string; data: T }): Promise<T> {
    const row = await db
      .insertInto(tableOf(model))
      .values(toRow(data as Row))
      .returningAll()
      .executeTakeFirstOrThrow()
    return fromRow(row) as T
  }

  async function findOne<T>({ model, where }: { model: string; where: CleanedWhere[] }): Promise<T | null> {
    const row = await db.selectFrom(tableOf(model)).selectAll().where(matching(where)).limit(1).executeTakeFirst()
    return row ? (fromRow(row) as T) : null
  }

  async function findMany<T>({ model, where, limit, sortBy, offset }: Listing): Promise<T[]> {
    const rows = await db
      .selectFrom(tableOf(model))
      .selectAll()
      .where(matching(where))
      .$if(sortBy !== undefined, (query) => query.orderBy(columnOf(sortBy?.field ?? ''), sortBy?.direction ?? 'asc'))
      .limit(limit)
      .$if(offset !== undefined, (query) => query.offset(offset ?? 0))
      .execute()
    return rows.map((row) => fromRow(row) as T)
  }

  async function update<T>({ model, where, update: changes }: Updating<T>): Promise<T | null> {
    const query = db
      .updateTable(tableOf(model))
      .set(toRow(changes as Row))
      .where(matching(where))
      .returningAll()
    const row = await query.executeTakeFirst()
    return row ? (fromRow(row) as T) : null
  }

  async function updateMany({ model, where, update: changes }: Updating<Row>): Promise<number> {
    const result = await db.updateTable(tableOf(model)).set(toRow(changes)).where(matching(where)).executeTakeFirst()
    return Number(result.numUpdatedRows)
  }

  async function deleteMany({ model, where }: { model: string; where: CleanedWhere[] }): Promise<number> {
    const result = await db.deleteFrom(tableOf(model)).where(matching(where)).executeTakeFirst()
    return Number(result.numDeletedRows)
  }

  async function count({ model, where }: { model: string; where?: CleanedWhere[] | undefined }): Promise<number> {
    const query = db.selectFrom(tableOf(model)).select((select) => select.fn.countAll<number>().as('count'))
    return (await query.where(matching(where)).executeTakeFirstOrThrow()).count
  }

  /** Of two who come at once with the same, one gets it. */
  async function consumeOne<T>({ model, where }: { model: string; where: CleanedWhere[] }): Promise<T | null> {
    const table = tableOf(model)
    const row = await db
      .deleteFrom(table)
      .where('id', '=', db.selectFrom(table).select('id').where(matching(where)).limit(1))
      .returningAll()
      .executeTakeFirst()
    return row ? (fromRow(row) as T) : null
  }

  async function incrementOne<T>({ model, where, increment, set = {} }: Incrementing): Promise<T | null> {
    const added = Object.entries(increment).map(([field, by]) => {
      const column = columnOf(field)
      return [column, sql`${sql.ref(column)} + ${by}`]
    })
    const changes = { ...toRow(set), ...(Object.fromEntries(added) as Row) }
    const row = await db
      .updateTable(tableOf(model))
      .set(changes)
      .where(matching(where))
      .returningAll()
      .executeTakeFirst()
    return row ? (fromRow(row) as T) : null
  }

  return {
    create,
    findOne,
    findMany,
    update,
    updateMany,
    delete: async (what: { model: string; where: CleanedWhere[] }) => void (await deleteMany(what)),
    deleteMany,
    count,
    consumeOne,
    incrementOne,
  }
}

interface Listing {
  model: string
  where?: CleanedWhere[] | undefined
  limit: number
  sortBy?: { field: string; direction: 'asc' | 'desc' } | undefined
  offset?: number | undefined
}

interface Updating<T> {
  model: string
  where: CleanedWhere[]
  update: T
}

interface Incrementing {
  model: string
  where: CleanedWhere[]
  increment: Record<string, number>
  set?: Row | undefined
}

/** As the library means it: what is joined by AND all together, and one at least of what is joined by OR. */
function matching(where: readonly CleanedWhere[] = []): RawBuilder<SqlBool> {
  const all = where.filter(({ connector }) => connector !== 'OR').map(condition)
  const any = where.filter(({ connector }) => connector === 'OR').map(condition)
  const parts = [...all, ...(any.length > 0 ? [sql<SqlBool>`(${sql.join(any, sql` or `)})`] : [])]
  return parts.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`(${sql.join(parts, sql` and `)})`
}

function condition({ field, operator, value, mode }: CleanedWhere): RawBuilder<SqlBool> {
  const isText = typeof value === 'string' && mode === 'insensitive'
  const column = isText ? sql`lower(${sql.ref(columnOf(field))})` : sql.ref(columnOf(field))
  const found = isText ? value.toLowerCase() : value
  switch (operator) {
    case undefined:
    case 'eq':
      return found === null ? sql`${column} is null` : sql`${column} = ${found}`
    case 'ne':
      return found === null ? sql`${column} is not null` : sql`${column} <> ${found}`
    case 'lt':
      return sql`${column} < ${found}`
    case 'lte':
      return sql`${column} <= ${found}`
    case 'gt':
      return sql`${column} > ${found}`
    case 'gte':
      return sql`${column} >= ${found}`
    case 'in':
      return listed(found).length === 0 ? sql`1 = 0` : sql`${column} in (${sql.join(listed(found))})`
    case 'not_in':
      return listed(found).length === 0 ? sql`1 = 1` : sql`${column} not in (${sql.join(listed(found))})`
    case 'contains':
    case 'starts_with':
    case 'ends_with':
      // Nothing that signs people in looks for parts of texts.
      throw new Error(`The accounts are not searched by "${operator}".`)
  }
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

function tableOf(model: string): string {
  return TABLES[model] ?? withUnderscores(model)
}

function columnOf(field: string): string {
  return field === 'userId' ? 'person_id' : withUnderscores(field)
}

function withUnderscores(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function toRow(data: Row): Row {
  return Object.fromEntries(Object.entries(data).map(([field, value]) => [columnOf(field), value]))
}

function fromRow(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column === 'person_id' ? 'userId' : column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  )
}
