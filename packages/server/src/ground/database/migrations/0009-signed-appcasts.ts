import { sql, type Kysely } from 'kysely'

/** Feeds that their publishers signed as a whole: which bytes, and the signature. */
const STATEMENTS: readonly string[] = [
  `create table signed_appcast (
    id text primary key,
    app_id text not null,
    channel text not null,
    platform text not null,
    sha256 text not null,
    key_id text not null,
    value text not null,
    created_at bigint not null,
    created_by text not null,
    constraint signed_appcast_app foreign key (app_id) references app (id),
    constraint signed_appcast_key foreign key (key_id) references signing_key (id)
  )`,
  `create unique index signed_appcast_bytes on signed_appcast (app_id, channel, platform, sha256)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
