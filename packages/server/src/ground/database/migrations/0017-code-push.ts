import { sql, type Kysely } from 'kysely'

/** Keys of clients that tell no platform, and packages of what changed since another one. */
const STATEMENTS: readonly string[] = [
  'alter table channel_key add column platform text',
  `create table package_diff (
    sha256 text not null,
    base_sha256 text not null,
    base_package text not null,
    diff_sha256 text,
    created_at bigint not null,
    constraint package_diff_key primary key (sha256, base_sha256),
    constraint package_diff_artifact foreign key (sha256) references artifact (sha256),
    constraint package_diff_base foreign key (base_sha256) references artifact (sha256),
    constraint package_diff_bytes foreign key (diff_sha256) references artifact (sha256)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
