import { sql, type Kysely } from 'kysely'

/** By which token a one-time link was made: it works no longer than that. */
const STATEMENTS: readonly string[] = [`alter table one_time_link add column created_by_token text`]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
