import { sql, type Kysely } from 'kysely'
import { isSqlite } from '../sqlite-dialect.ts'

/**
 * Each entry of the audit log gets a seal, a link of a hash chain, soon after it was committed: what waits for one is in
 * a list, which begins with all that an older server wrote. An entry that has no seal and does not wait for one was not
 * written by a server.
 */
const STATEMENTS: readonly string[] = [
  'alter table audit_entry add column person_id text',
  `create table audit_seal (
    position bigint primary key,
    entry_id text not null,
    previous_hash text not null,
    hash text not null,
    constraint audit_seal_of unique (entry_id)
  )`,
  'create table audit_unsealed (entry_id text primary key)',
  'insert into audit_unsealed (entry_id) select id from audit_entry',
  // Held by whoever seals: one server at a time.
  `insert into server_setting (name, value) values ('audit-sealer', '')`,
  'create index audit_entry_app on audit_entry (app_id, id)',
  'create index audit_entry_actor on audit_entry (actor_id, id)',
  'create index audit_entry_subject on audit_entry (subject_id, id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
  await makeAppendOnly(db)
}

async function makeAppendOnly(db: Kysely<unknown>): Promise<void> {
  if (!isSqlite(db)) {
    await sql`create trigger audit_seal_append_only before update or delete or truncate on audit_seal
      for each statement execute function audit_entry_is_append_only()`.execute(db)
    return
  }
  for (const operation of ['update', 'delete']) {
    await sql`create trigger ${sql.raw(`audit_seal_no_${operation}`)} before ${sql.raw(operation)} on audit_seal
      begin select raise(abort, 'the audit log is append-only'); end`.execute(db)
  }
}
