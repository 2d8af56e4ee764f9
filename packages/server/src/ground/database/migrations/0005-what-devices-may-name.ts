import { sql, type Kysely } from 'kysely'

/** Clients that know no slug name an app by what its binaries are called; which channels devices may choose is said. */
const STATEMENTS: readonly string[] = [
  `create table app_bundle_id (
    bundle_id text primary key,
    app_id text not null,
    constraint app_bundle_id_app foreign key (app_id) references app (id)
  )`,
  'create index app_bundle_id_of on app_bundle_id (app_id)',
  `alter table channel add column device_choice text default 'closed' not null
    check (device_choice in ('closed', 'open'))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
