import { sql, type Kysely } from 'kysely'

/** What publishers signed has tables of its own, to which releases, rollouts and guards refer. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('statement')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('app_id', 'text', (column) => column.notNull())
    .addColumn('platform', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('floor', 'bigint', (column) => column.notNull())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('signature', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('stated_at', 'bigint')
    .addUniqueConstraint('statement_sequence', ['app_id', 'platform', 'sequence'])
    .addForeignKeyConstraint('statement_app', ['app_id'], 'app', ['id'])
    .addForeignKeyConstraint('statement_key', ['key_id'], 'signing_key', ['id'])
    .execute()
  await db.schema
    .createTable('signature')
    .addColumn('release_id', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('scheme', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('signature_key', ['release_id', 'subject', 'scheme'])
    .addForeignKeyConstraint('signature_release', ['release_id'], 'release', ['id'])
    .addForeignKeyConstraint('signature_signing_key', ['key_id'], 'signing_key', ['id'])
    .execute()
  await db.schema
    .createTable('step_back')
    .addColumn('rollout_id', 'text', (column) => column.notNull())
    .addColumn('step', 'integer', (column) => column.notNull())
    .addColumn('release_id', 'text')
    .addColumn('statement_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('step_back_key', ['rollout_id', 'step'])
    .addForeignKeyConstraint('step_back_rollout', ['rollout_id'], 'rollout', ['id'])
    .addForeignKeyConstraint('step_back_release', ['release_id'], 'release', ['id'])
    .addForeignKeyConstraint('step_back_statement', ['statement_id'], 'statement', ['id'])
    .execute()

  for (const table of ['release', 'rollout']) {
    await db.schema
      .alterTable(table)
      .addColumn('statement_id', 'text', (column) => column.references('statement.id'))
      .execute()
  }
  for (const column of ['floor', 'signature', 'statement', 'statement_signature', 'key_id']) {
    await db.schema.alterTable('release').dropColumn(column).execute()
  }
  for (const column of ['sequence', 'floor', 'statement', 'statement_signature', 'key_id']) {
    await db.schema.alterTable('rollout').dropColumn(column).execute()
  }
  await db.schema.alterTable('rollout_guard').dropColumn('prepared').execute()

  await db.schema
    .alterTable('signing_key')
    .addColumn('algorithm', 'text', (column) => column.notNull().defaultTo('ed25519'))
    .execute()
  await db.schema
    .alterTable('audit_entry')
    .addColumn('actor_kind', 'text', (column) =>
      column
        .notNull()
        .defaultTo('token')
        .check(sql`actor_kind in ('token', 'server', 'guard', 'plan')`),
    )
    .execute()
}
