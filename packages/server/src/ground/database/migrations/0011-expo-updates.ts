import { sql, type Kysely } from 'kysely'

/** When a rollout ended, which says from when on others stand in its place; and answers that their publisher signs. */
const STATEMENTS: readonly string[] = [
  `alter table rollout add column ended_at bigint`,
  `create table answer_certificate (
    app_id text not null,
    key_id text not null,
    certificate text not null,
    chain text not null,
    created_at bigint not null,
    created_by text not null,
    constraint answer_certificate_key primary key (app_id, key_id),
    constraint answer_certificate_app foreign key (app_id) references app (id)
  )`,
  `create table signed_answer (
    id text primary key,
    app_id text not null,
    platform text not null,
    key_id text not null,
    says text not null,
    release_id text,
    answered_at bigint not null,
    body text not null,
    signature text not null,
    created_at bigint not null,
    created_by text not null,
    constraint signed_answer_certificate foreign key (app_id, key_id) references answer_certificate (app_id, key_id),
    constraint signed_answer_release foreign key (release_id) references release (id),
    constraint signed_answer_says check (says in ('update', 'roll-back', 'nothing'))
  )`,
  `create unique index signed_answer_once on signed_answer
    (app_id, key_id, platform, says, coalesce(release_id, ''), answered_at)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
