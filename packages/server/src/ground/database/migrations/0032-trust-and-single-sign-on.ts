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
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
