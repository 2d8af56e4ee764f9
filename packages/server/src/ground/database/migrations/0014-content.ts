import { sql, type Kysely } from 'kysely'
import { isSqlite } from '../sqlite-dialect.ts'

/** A release consists of files, of which there may be several: what was known of its one zip is in tables of their own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('release_file')
    .addColumn('release_id', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('sha256', 'text')
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('content_type', 'text', (column) => column.notNull())
    .addColumn('platform', 'text')
    .addColumn('architecture', 'text')
    .addColumn('format', 'text')
    .addColumn('component', 'text')
    .addColumn('url', 'text')
    .addPrimaryKeyConstraint('release_file_key', ['release_id', 'path'])
    .addForeignKeyConstraint('release_file_release', ['release_id'], 'release', ['id'])
    .addForeignKeyConstraint('release_file_artifact', ['sha256'], 'artifact', ['sha256'])
    .addCheckConstraint('release_file_role', sql`role in ('archive', 'manifest', 'asset', 'binary', 'component')`)
    .addCheckConstraint('release_file_place', sql`sha256 is not null or url is not null`)
    .execute()
  await db.schema.createIndex('release_file_sha256').on('release_file').column('sha256').execute()
  await db.schema
    .createTable('file_digest')
    .addColumn('release_id', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('file_digest_key', ['release_id', 'path', 'algorithm'])
    .addForeignKeyConstraint('file_digest_file', ['release_id', 'path'], 'release_file', ['release_id', 'path'])
    .addCheckConstraint('file_digest_algorithm', sql`algorithm in ('sha256', 'sha512', 'md5', 'package')`)
    .execute()
  await db.schema.createIndex('file_digest_value').on('file_digest').column('value').execute()
  await db.schema
    .createTable('artifact_variant')
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('variant_sha256', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('base_sha256', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('artifact_variant_key', ['sha256', 'variant_sha256'])
    .addForeignKeyConstraint('artifact_variant_artifact', ['sha256'], 'artifact', ['sha256'])
    .addForeignKeyConstraint('artifact_variant_bytes', ['variant_sha256'], 'artifact', ['sha256'])
    .addForeignKeyConstraint('artifact_variant_base', ['base_sha256'], 'artifact', ['sha256'])
    .addCheckConstraint('artifact_variant_kind', sql`kind in ('patch', 'compressed', 'encrypted')`)
    .addCheckConstraint('artifact_variant_patch', sql`(kind = 'patch') = (base_sha256 is not null)`)
    .execute()

  await db.schema
    .alterTable('artifact')
    .addColumn('facts', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute()
  await sql`update artifact set facts =
    '{"kind":"archive","fileCount":' || file_count || ',"unpackedBytes":0,"rootFiles":[]}'`.execute(db)
  await db.schema.alterTable('artifact').dropColumn('file_count').execute()

  await sql`insert into release_file (release_id, path, role, sha256, size_bytes, content_type)
    select id, 'bundle.zip', 'archive', sha256, size_bytes, 'application/zip' from release`.execute(db)
  await db.schema
    .alterTable('release')
    .addColumn('kind', 'text', (column) =>
      column
        .notNull()
        .defaultTo('archive')
        .check(sql`kind in ('archive', 'files', 'binary', 'kit')`),
    )
    .execute()
  for (const column of ['sha256', 'size_bytes', 'file_count']) {
    await db.schema.alterTable('release').dropColumn(column).execute()
  }

  // Two releases may share bytes: what is not known to be of one of them has no release.
  await sql`drop table download_hour`.execute(db)
  const downloads = db.schema
    .createTable('download_hour')
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('release_id', 'text', (column) => column.notNull())
    .addColumn('hour_at', 'bigint', (column) => column.notNull())
    .addColumn('downloads', 'bigint', (column) => column.notNull())
    .addColumn('sent_bytes', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('download_hour_key', ['sha256', 'release_id', 'hour_at'])
  await (isSqlite(db) ? downloads.modifyEnd(sql`without rowid`) : downloads).execute()
}
