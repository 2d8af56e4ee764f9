import { sql, type RawBuilder } from 'kysely'
import type { Connection } from './schema.ts'
import { isSqlite } from './sqlite-dialect.ts'

/** The text that a column's JSON object has under a name; null where it has none. */
export function jsonText(db: Connection, column: string, name: string): RawBuilder<string | null> {
  if (isSqlite(db)) return sql`json_extract(${sql.ref(column)}, ${`$.${name}`})`
  return sql`(${sql.ref(column)}::jsonb ->> ${name})`
}
