import { sql, type Kysely } from 'kysely'

/** What binaries ship with may be an archive, of builds that have the same. Made anew, as SQLite takes no column's "not null" away. */
const EMBEDDED_UPDATE: readonly string[] = [
  'drop table embedded_update',
  `create table embedded_update (
    app_id text not null,
    platform text not null,
    update_id text not null,
    kind text not null,
    built_at bigint,
    runtime_version text,
    native_versions text not null,
    sha256 text not null,
    size_bytes bigint not null,
    created_at bigint not null,
    created_by text not null,
    constraint embedded_update_key primary key (app_id, platform, update_id),
    constraint embedded_update_app foreign key (app_id) references app (id),
    constraint embedded_update_artifact foreign key (sha256) references artifact (sha256),
    constraint embedded_update_kind check (kind in ('expo', 'archive'))
  )`,
  'create index embedded_update_sha256 on embedded_update (sha256)',
]

/** Few enough for the parameters that a statement may have. */
const ROWS_AT_ONCE = 50

type Row = Record<string, unknown>

export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<Row>`select * from embedded_update`.execute(db)
  for (const statement of EMBEDDED_UPDATE) await sql.raw(statement).execute(db)
  const tables = db as Kysely<Record<string, Row>>
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const changed = rows.slice(at, at + ROWS_AT_ONCE).map(({ native_version: version, ...row }) => ({
      ...row,
      kind: 'expo',
      native_versions: JSON.stringify(version === null ? [] : [version]),
    }))
    await tables.insertInto('embedded_update').values(changed).execute()
  }
}
