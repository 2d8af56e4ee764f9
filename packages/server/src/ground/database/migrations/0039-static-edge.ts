import { sql, type Kysely } from 'kysely'

/** What anybody may decide by without a server: the keys that it speaks by, what publishers say of them, and its last words. */
const STATEMENTS: readonly string[] = [
  `create table edge_key (
    id text primary key,
    app_id text not null constraint edge_key_app references app (id),
    public_key text not null,
    private_key text not null,
    created_at bigint not null
  )`,
  `create index edge_key_by_app on edge_key (app_id, id)`,
  `create table edge_key_document (
    app_id text primary key constraint edge_key_document_app references app (id),
    version integer not null,
    text text not null,
    signature text not null,
    created_at bigint not null,
    created_by text not null
  )`,
  `create table edge_pointer (
    app_id text not null constraint edge_pointer_app references app (id),
    platform text not null,
    channel text not null,
    generation bigint not null,
    keys_version integer not null,
    catalog_generation bigint not null,
    catalog_sha256 text not null,
    envelope text not null,
    obstacles text not null,
    expires_at bigint not null,
    renew_at bigint not null,
    primary key (app_id, platform, channel)
  )`,
  `create table edge_catalog (
    app_id text not null constraint edge_catalog_app references app (id),
    sha256 text not null,
    text text not null,
    used_at bigint not null,
    primary key (app_id, sha256)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
