import { sql, type Kysely } from 'kysely'

/** How much room the events of each app take, kept with them: counting them would read them all. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('event_usage')
    .addColumn('app_id', 'text', (column) => column.primaryKey())
    .addColumn('events', 'bigint', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('not_kept', 'bigint', (column) => column.notNull())
    .execute()
  await sql`
    insert into event_usage (app_id, events, bytes, not_kept)
    select app_id, count(*), sum(300 + coalesce(length(detail), 0)), 0 from device_event group by app_id`.execute(db)
}
