import { sql, type Kysely } from 'kysely'
import { isSqlite } from '../sqlite-dialect.ts'

/** What a token is for, and who stands behind it; people in the audit log. */
const STATEMENTS: readonly string[] = [
  'alter table api_token add column person_id text',
  'alter table api_token add column channels text',
  'alter table api_token add column permissions text',
  'alter table api_token add column allowed_addresses text',
  'create index api_token_person on api_token (person_id)',
]

const KINDS = `actor_kind in ('token', 'person', 'server', 'guard', 'plan')`
const COLUMNS =
  'id, at, actor_id, actor_name, action, subject_kind, subject_id, app_id, address, request_id, before, after, actor_kind'

const ON_POSTGRES: readonly string[] = [
  'alter table audit_entry drop constraint audit_entry_actor_kind_check',
  `alter table audit_entry add constraint audit_entry_actor_kind check (${KINDS})`,
]

/** SQLite changes no constraint of a table that is there. */
const ON_SQLITE: readonly string[] = [
  `create table audit_entry_anew (
    id text primary key,
    at bigint not null,
    actor_id text,
    actor_name text not null,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    app_id text,
    address text,
    request_id text,
    before text,
    after text,
    actor_kind text default 'token' not null,
    constraint audit_entry_actor_kind check (${KINDS})
  )`,
  `insert into audit_entry_anew (${COLUMNS}) select ${COLUMNS} from audit_entry`,
  'drop table audit_entry',
  'alter table audit_entry_anew rename to audit_entry',
  ...['update', 'delete'].map(
    (operation) => `create trigger audit_entry_no_${operation} before ${operation} on audit_entry
      begin select raise(abort, 'the audit log is append-only'); end`,
  ),
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
  for (const statement of isSqlite(db) ? ON_SQLITE : ON_POSTGRES) await sql.raw(statement).execute(db)
}
