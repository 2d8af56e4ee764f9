import { sql, type Kysely } from 'kysely'

/** How long a wait is, apart from when it ends; and when it was that events were not kept. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('webhook_delivery')
    .addColumn('planned_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await sql`update webhook_delivery set planned_at = created_at`.execute(db)
  await db.schema
    .createTable('unkept_hour')
    .addColumn('app_id', 'text', (column) => column.notNull())
    .addColumn('hour_at', 'bigint', (column) => column.notNull())
    .addColumn('events', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('unkept_hour_key', ['app_id', 'hour_at'])
    .execute()
}
