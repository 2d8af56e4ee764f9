import type { Kysely } from 'kysely'

/** Who made a token, so that it ends with its maker; and which refresh and access tokens come from one sign-in. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('api_token').addColumn('parent_id', 'text').execute()
  await db.schema.createIndex('api_token_parent').on('api_token').column('parent_id').execute()
  await db.schema
    .createTable('token_family')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('token_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addForeignKeyConstraint('token_family_token', ['token_id'], 'api_token', ['id'])
    .execute()
  await db.schema.createIndex('token_family_token_index').on('token_family').column('token_id').execute()
  // Whoever is signed in signs in again: what was issued so far belongs to no family.
  await db.schema.dropTable('refresh_token').execute()
  await db.schema
    .createTable('refresh_token')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('family_id', 'text', (column) => column.notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addForeignKeyConstraint('refresh_token_family', ['family_id'], 'token_family', ['id'], (constraint) =>
      constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('refresh_token_family_index').on('refresh_token').column('family_id').execute()
}
