import { sql, type Kysely } from 'kysely'

/** Channels on which only some may publish, and what waits there until a second person has looked at it. */
const STATEMENTS: readonly string[] = [
  `create table channel_protection (
    app_id text not null,
    channel text not null,
    roles text not null,
    people text not null,
    tokens text not null,
    needs_approval integer not null,
    updated_at bigint not null,
    updated_by text not null,
    constraint channel_protection_key primary key (app_id, channel),
    constraint channel_protection_app foreign key (app_id) references app (id)
  )`,
  'alter table rollout add column awaits_approval integer default 0 not null',
  `create table proposal (
    id text not null,
    app_id text not null,
    channel text not null,
    rollout_id text not null,
    kind text not null,
    changes text,
    revision bigint not null,
    state text not null,
    actor_kind text not null,
    actor_id text not null,
    person_id text,
    proposed_at bigint not null,
    proposed_by text not null,
    decided_at bigint,
    decided_by text,
    reason text,
    constraint proposal_key primary key (id),
    constraint proposal_rollout foreign key (rollout_id) references rollout (id),
    constraint proposal_app foreign key (app_id) references app (id),
    constraint proposal_kind check (kind in ('start', 'change', 'resume')),
    constraint proposal_state check (state in ('open', 'approved', 'rejected', 'withdrawn', 'overtaken'))
  )`,
  `create unique index proposal_open on proposal (rollout_id, kind) where state = 'open'`,
  'create index proposal_of_app on proposal (app_id, id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
