import { sql, type Kysely } from 'kysely'

/** Of which build a delta makes the one of its release; null of what is no delta. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table release_file add column delta_from text').execute(db)
}
