import { sql, type Kysely } from 'kysely'

/** What another server had counted a rollout as, on its channel and platform: later ones count on from there. */
const STATEMENTS: readonly string[] = ['alter table rollout add column label_number integer']

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
