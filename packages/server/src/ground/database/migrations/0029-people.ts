import { sql, type Kysely } from 'kysely'

/** Persons who sign in, what they sign in with, their sessions, and the links by which they come in. */
const STATEMENTS: readonly string[] = [
  `create table person (
    id text not null,
    name text not null,
    email text not null,
    email_verified integer not null,
    image text,
    two_factor_enabled integer default 0 not null,
    created_at bigint not null,
    updated_at bigint not null,
    signed_in_at bigint,
    disabled_at bigint,
    constraint person_key primary key (id),
    constraint person_email unique (email)
  )`,
  `create table person_grant (
    id text not null,
    person_id text not null,
    role text not null,
    app_id text,
    constraint person_grant_key primary key (id),
    constraint person_grant_role check (role in ('owner', 'admin', 'publisher', 'reader')),
    constraint person_grant_person foreign key (person_id) references person (id) on delete cascade,
    constraint person_grant_app foreign key (app_id) references app (id)
  )`,
  // Two without an app would both be unique to a database: null equals nothing.
  `create unique index person_grant_place on person_grant (person_id, coalesce(app_id, ''))`,
  'create index person_grant_of_app on person_grant (app_id)',
  `create table person_session (
    id text not null,
    person_id text not null,
    token text not null,
    ip_address text,
    user_agent text,
    created_at bigint not null,
    updated_at bigint not null,
    expires_at bigint not null,
    constraint person_session_key primary key (id),
    constraint person_session_token unique (token),
    constraint person_session_person foreign key (person_id) references person (id) on delete cascade
  )`,
  'create index person_session_of_person on person_session (person_id)',
  'create index person_session_expiry on person_session (expires_at)',
  `create table sign_in_method (
    id text not null,
    person_id text not null,
    provider_id text not null,
    account_id text not null,
    password text,
    access_token text,
    refresh_token text,
    id_token text,
    access_token_expires_at bigint,
    refresh_token_expires_at bigint,
    scope text,
    created_at bigint not null,
    updated_at bigint not null,
    constraint sign_in_method_key primary key (id),
    constraint sign_in_method_account unique (provider_id, account_id),
    constraint sign_in_method_person foreign key (person_id) references person (id) on delete cascade
  )`,
  'create index sign_in_method_of_person on sign_in_method (person_id)',
  `create table sign_in_verification (
    id text not null,
    identifier text not null,
    value text not null,
    created_at bigint not null,
    updated_at bigint not null,
    expires_at bigint not null,
    constraint sign_in_verification_key primary key (id)
  )`,
  'create index sign_in_verification_identifier on sign_in_verification (identifier)',
  'create index sign_in_verification_expiry on sign_in_verification (expires_at)',
  `create table two_factor (
    id text not null,
    person_id text not null,
    secret text not null,
    backup_codes text not null,
    verified integer default 1 not null,
    failed_verification_count integer default 0 not null,
    locked_until bigint,
    constraint two_factor_key primary key (id),
    constraint two_factor_of_person unique (person_id),
    constraint two_factor_person foreign key (person_id) references person (id) on delete cascade
  )`,
  `create table used_totp_code (
    person_id text not null,
    code text not null,
    used_at bigint not null,
    constraint used_totp_code_key primary key (person_id, code),
    constraint used_totp_code_person foreign key (person_id) references person (id) on delete cascade
  )`,
  `create table passkey (
    id text not null,
    person_id text not null,
    name text not null,
    credential_id text not null,
    public_key text not null,
    counter bigint not null,
    transports text not null,
    is_backed_up integer not null,
    created_at bigint not null,
    used_at bigint,
    constraint passkey_key primary key (id),
    constraint passkey_credential unique (credential_id),
    constraint passkey_person foreign key (person_id) references person (id) on delete cascade
  )`,
  'create index passkey_of_person on passkey (person_id)',
  `create table one_time_link (
    id text not null,
    kind text not null,
    secret_hash text not null,
    email text,
    name text,
    grants text not null,
    person_id text,
    removes_second_factor integer default 0 not null,
    created_at bigint not null,
    created_by text not null,
    created_by_person text,
    expires_at bigint not null,
    used_at bigint,
    constraint one_time_link_key primary key (id),
    constraint one_time_link_secret unique (secret_hash),
    constraint one_time_link_kind check (kind in ('first-owner', 'invitation', 'reset')),
    constraint one_time_link_person foreign key (person_id) references person (id) on delete cascade
  )`,
  'create index one_time_link_expiry on one_time_link (expires_at)',
  `create table sign_in_failure (
    counted_for text not null,
    failures integer not null,
    failed_at bigint not null,
    locked_until bigint not null,
    constraint sign_in_failure_key primary key (counted_for)
  )`,
  'create index sign_in_failure_time on sign_in_failure (failed_at)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
