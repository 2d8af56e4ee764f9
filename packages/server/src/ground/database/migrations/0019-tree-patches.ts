import { sql, type Kysely } from 'kysely'

/** Which patches of trees are wanted, and what came of them. Their bytes are variants of the target's archive. */
const STATEMENTS: readonly string[] = [
  `create table tree_patch (
    id text primary key,
    app_id text not null,
    release_id text not null,
    base_release_id text not null,
    sha256 text not null,
    base_sha256 text not null,
    state text not null,
    tree text,
    base_tree text,
    created_at bigint not null,
    created_by text,
    finished_at bigint,
    constraint tree_patch_once unique (app_id, sha256, base_sha256),
    constraint tree_patch_app foreign key (app_id) references app (id),
    constraint tree_patch_release foreign key (release_id) references release (id),
    constraint tree_patch_base_release foreign key (base_release_id) references release (id),
    constraint tree_patch_artifact foreign key (sha256) references artifact (sha256),
    constraint tree_patch_base foreign key (base_sha256) references artifact (sha256),
    constraint tree_patch_state check (state in ('waiting', 'made', 'not-smaller', 'too-large', 'lost', 'pruned'))
  )`,
  `create index tree_patch_waiting on tree_patch (id) where state = 'waiting'`,
  'create index tree_patch_sha256 on tree_patch (sha256, base_sha256)',
  'create index artifact_variant_bytes on artifact_variant (variant_sha256)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
