import { CompiledQuery, sql, type Compilable, type QueryResult, type SqlBool } from 'kysely'
import type { Connection } from '../../../ground/database/schema.ts'

/** Far below the databases' limits on parameters; most statements have the same text and are prepared once. */
const ROWS_PER_STATEMENT = 100

/** A statement that is put together once, for as many rows as a statement has, and what of a row its parameters are. */
export interface Prepared<Row> {
  texts: WeakMap<object, string>
  parametersOf: (row: Row) => readonly unknown[]
}

/** Putting a statement of a hundred rows together costs as much as running it, and under load it is always the same. */
export function runPrepared<Result, Row>(
  tx: Connection,
  { texts, parametersOf }: Prepared<Row>,
  rows: Row[],
  query: (rows: Row[]) => Compilable<Result>,
): Promise<QueryResult<Result>> {
  if (rows.length < ROWS_PER_STATEMENT) return tx.executeQuery(query(rows))
  const { adapter } = tx.getExecutor()
  let text = texts.get(adapter)
  if (text === undefined) texts.set(adapter, (text = query(rows).compile().sql))
  return tx.executeQuery(CompiledQuery.raw(text, rows.flatMap(parametersOf)))
}

export function isOneOf(columns: readonly [string, string], keys: readonly (readonly [string, string])[]) {
  const names = sql.join(columns.map((column) => sql.ref(column)))
  const values = keys.map(([a, b]) => sql`(${a}, ${b})`)
  return sql<SqlBool>`(${names}) in (values ${sql.join(values)})`
}

export function* chunks<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    yield rows.slice(start, start + ROWS_PER_STATEMENT)
  }
}
