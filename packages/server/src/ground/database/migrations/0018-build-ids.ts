import { sql, type Kysely } from 'kysely'

/** Of builds to which their tool gives an id: clients know what they run by that, so an app has one release of it. */
const STATEMENTS: readonly string[] = [
  'alter table release add column build_id text',
  'create unique index release_build on release (app_id, platform, build_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
