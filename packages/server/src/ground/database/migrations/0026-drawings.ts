import { sql, type Kysely } from 'kysely'

/** By whose rule a share of devices is drawn, where the number of buckets does not say it. */
const STATEMENTS: readonly string[] = [
  `alter table rollout add column drawing text constraint rollout_drawing check (drawing in ('code-push'))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
