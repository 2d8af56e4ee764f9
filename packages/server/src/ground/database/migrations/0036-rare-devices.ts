import { sql, type Kysely } from 'kysely'

/** People look for the few devices that are gone, or on which a release failed, among very many: a page finds them. */
const STATEMENTS: readonly string[] = [
  'create index device_gone on device (app_id, last_seen_at, device_id) where gone_at is not null',
  'create index device_failure_release on device_failure (app_id, release_id, device_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
