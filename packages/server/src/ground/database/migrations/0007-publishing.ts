import { sql, type Kysely } from 'kysely'

/** Archives that were uploaded and wait for their release; and what a publish was answered, to answer it again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('artifact')
    .addColumn('file_count', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await sql`update artifact set file_count = coalesce(
    (select max(release.file_count) from release where release.sha256 = artifact.sha256), 0)`.execute(db)
  await db.schema.alterTable('artifact').addColumn('kept_until', 'bigint').execute()
  await db.schema
    .createTable('publication')
    .addColumn('release_id', 'text', (column) => column.primaryKey())
    .addColumn('request_digest', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addForeignKeyConstraint('publication_release', ['release_id'], 'release', ['id'])
    .execute()
}
