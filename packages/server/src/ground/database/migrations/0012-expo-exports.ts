import { sql, type Kysely } from 'kysely'

/** What is kept of an export of Expo's, by its `files.json`: too long to be read with every release. */
const STATEMENTS: readonly string[] = [
  `create table expo_export (
    sha256 text primary key,
    exported text not null,
    constraint expo_export_artifact foreign key (sha256) references artifact (sha256) on delete cascade
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
