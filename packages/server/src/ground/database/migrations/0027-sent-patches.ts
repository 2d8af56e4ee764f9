import { sql, type Kysely } from 'kysely'

/** Of encrypted releases whoever publishes makes the patches: each app has its own, of the same bytes, too. */
const STATEMENTS: readonly string[] = [
  `create table sent_patch (
    patch_id text not null,
    format text not null,
    sha256 text not null,
    created_at bigint not null,
    constraint sent_patch_key primary key (patch_id, format),
    constraint sent_patch_of foreign key (patch_id) references patch (id) on delete cascade,
    constraint sent_patch_bytes foreign key (sha256) references artifact (sha256)
  )`,
  'create index sent_patch_sha256 on sent_patch (sha256)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
