import type { Kysely } from 'kysely'

/** Further keys of an app, each for one of its channels: what other systems call deployment keys. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('channel_key')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('app_id', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('key_hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('revoked_at', 'bigint')
    .addForeignKeyConstraint('channel_key_app', ['app_id'], 'app', ['id'])
    .execute()
  await db.schema.createIndex('channel_key_place').on('channel_key').columns(['app_id', 'channel']).execute()
}
