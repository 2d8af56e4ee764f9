import { sql, type Kysely } from 'kysely'

/** What clients need that put a new file together from the one they have: of the bytes, whichever release they are in. */
const STATEMENTS: readonly string[] = [
  `create table block_map (
    sha256 text primary key,
    map_sha256 text,
    embedded_bytes bigint,
    created_at bigint not null,
    constraint block_map_artifact foreign key (sha256) references artifact (sha256),
    constraint block_map_bytes foreign key (map_sha256) references artifact (sha256)
  )`,
  `create index release_file_binary on release_file (release_id, sha256) where role = 'binary'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
