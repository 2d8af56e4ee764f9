import { sql, type Kysely } from 'kysely'

/** A rollout's revision rises with every change. */
const STATEMENTS: readonly string[] = [`alter table rollout add column revision integer default 1 not null`]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
