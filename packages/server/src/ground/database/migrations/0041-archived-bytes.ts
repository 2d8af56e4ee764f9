import { sql, type Kysely } from 'kysely'

/** How long an app keeps the bytes of archived releases, and what has no bytes any more. */
const STATEMENTS: readonly string[] = [
  `alter table app add column archived_retention_days integer`,
  `alter table release add column bytes_removed_at bigint`,
  `alter table artifact add column bytes_until bigint`,
  `create index release_archived on release (archived_at) where archived_at is not null and bytes_removed_at is null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
