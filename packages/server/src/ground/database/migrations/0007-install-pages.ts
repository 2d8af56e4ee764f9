import { sql, type Kysely } from 'kysely'

/** Which channels have a page for people to install from. */
const STATEMENTS: readonly string[] = [
  `create table install_page (
    id text primary key,
    app_id text not null,
    channel text not null,
    access text not null check (access in ('open', 'protected')),
    password_hash text,
    secret text not null,
    changed_at bigint not null,
    constraint install_page_of unique (app_id, channel),
    constraint install_page_app foreign key (app_id) references app (id)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
