import { sql, type Kysely } from 'kysely'

/**
 * Rules by which CI jobs get tokens, and the issuer by which people sign in. A rule has a token of its own, whose secret
 * nobody knows: those that jobs get are made with it, and end with it as with any other.
 */
const STATEMENTS: readonly string[] = [
  'alter table api_token add column trust_rule_id text',
  'create index api_token_trust_rule on api_token (trust_rule_id)',
  `create table trust_rule (
    id text not null,
    name text not null,
    issuer text not null,
    audience text not null,
    conditions text not null,
    lifetime_ms bigint not null,
    token_id text not null,
    created_at bigint not null,
    created_by text not null,
    last_used_at bigint,
    constraint trust_rule_key primary key (id),
    constraint trust_rule_name unique (name),
    constraint trust_rule_token foreign key (token_id) references api_token (id)
  )`,
  'create index trust_rule_issuer on trust_rule (issuer)',
  `create table used_identity_token (
    digest text not null,
    expires_at bigint not null,
    constraint used_identity_token_key primary key (digest)
  )`,
  'create index used_identity_token_expiry on used_identity_token (expires_at)',
  `create table single_sign_on (
    id text not null,
    name text not null,
    issuer text not null,
    client_id text not null,
    client_secret text,
    scopes text not null,
    group_claim text not null,
    group_grants text not null,
    makes_people integer not null,
    links_people integer not null,
    believes_emails integer not null,
    is_only_way integer not null,
    session_ms bigint not null,
    changed_at bigint not null,
    changed_by text not null,
    constraint single_sign_on_key primary key (id)
  )`,
  // What the groups of a person give is taken with them; what people gave stays.
  "alter table person_grant add column source text default 'people' not null",
  'drop index person_grant_place',
  "create unique index person_grant_place on person_grant (person_id, coalesce(app_id, ''), source)",
  'alter table person_session add column by_single_sign_on integer default 0 not null',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
