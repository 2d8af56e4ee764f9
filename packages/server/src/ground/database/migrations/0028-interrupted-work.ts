import { sql, type Kysely } from 'kysely'

/** What was begun and did not end, because the process did: work that ends it each time must not be first again for ever. */
const STATEMENTS: readonly string[] = [
  `create table interrupted_work (
    name text not null,
    tries integer not null,
    constraint interrupted_work_key primary key (name)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
