import { sql, type Kysely } from 'kysely'

/** Archives that are packed anew, once and for all; and how downloads came, as devices told. */
const STATEMENTS: readonly string[] = [
  'alter table artifact add column awaits_packing integer default 0 not null',
  'create index artifact_awaits_packing on artifact (created_at) where awaits_packing = 1',
  'alter table device_event add column arrival text',
  'alter table rollout_hour add column told_patched bigint default 0 not null',
  'alter table rollout_hour add column patched_bytes bigint default 0 not null',
  'alter table rollout_hour add column told_packed bigint default 0 not null',
  'alter table rollout_hour add column packed_bytes bigint default 0 not null',
  'alter table rollout_hour add column patch_failed bigint default 0 not null',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
