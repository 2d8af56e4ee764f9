import { sql, type Kysely } from 'kysely'

/**
 * Signed answers are of content, whichever releases have it, and may be there before these: their publisher signs them
 * again. And the updates that binaries ship with.
 */
const STATEMENTS: readonly string[] = [
  'drop table signed_answer',
  `create table signed_answer (
    id text primary key,
    app_id text not null,
    platform text not null,
    key_id text not null,
    says text not null,
    sha256 text,
    runtime_version text,
    answered_at bigint not null,
    body text not null,
    signature text not null,
    created_at bigint not null,
    created_by text not null,
    constraint signed_answer_certificate foreign key (app_id, key_id) references answer_certificate (app_id, key_id),
    constraint signed_answer_content foreign key (sha256) references artifact (sha256) on delete cascade,
    constraint signed_answer_says check (says in ('update', 'roll-back'))
  )`,
  `create unique index signed_answer_once on signed_answer
    (app_id, key_id, platform, says, coalesce(sha256, ''), coalesce(runtime_version, ''), answered_at)`,
  'create index signed_answer_content on signed_answer (sha256)',
  `create table embedded_update (
    app_id text not null,
    platform text not null,
    update_id text not null,
    built_at bigint not null,
    runtime_version text,
    native_version text,
    sha256 text not null,
    size_bytes bigint not null,
    created_at bigint not null,
    created_by text not null,
    constraint embedded_update_key primary key (app_id, platform, update_id),
    constraint embedded_update_app foreign key (app_id) references app (id),
    constraint embedded_update_artifact foreign key (sha256) references artifact (sha256)
  )`,
  'create index embedded_update_sha256 on embedded_update (sha256)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
