import { sql, type Kysely } from 'kysely'

/**
 * Whole binaries: a code that orders them, files that are made of others, and, as the same bytes may be content of two
 * kinds, what was found of them as each.
 */
const STATEMENTS: readonly string[] = [
  'alter table release add column version_code bigint',
  `create table artifact_facts (
    sha256 text not null,
    kind text not null check (kind in ('archive', 'files', 'binary', 'kit')),
    facts text not null,
    constraint artifact_facts_key primary key (sha256, kind),
    constraint artifact_facts_artifact foreign key (sha256) references artifact (sha256) on delete cascade
  )`,
  `insert into artifact_facts (sha256, kind, facts) select sha256, 'archive', facts from artifact where facts <> '{}'`,
  'alter table artifact drop column facts',
  'drop table file_digest',
  'create table release_file_before as select * from release_file',
  'drop table release_file',
  `create table release_file (
    release_id text not null,
    path text not null,
    role text not null,
    sha256 text,
    size_bytes bigint not null,
    content_type text not null,
    platform text,
    architecture text,
    format text,
    component text,
    url text,
    constraint release_file_key primary key (release_id, role, path),
    constraint release_file_release foreign key (release_id) references release (id),
    constraint release_file_artifact foreign key (sha256) references artifact (sha256),
    constraint release_file_role check (role in ('archive', 'manifest', 'asset', 'binary', 'component', 'icon')),
    constraint release_file_place check (sha256 is not null or url is not null)
  )`,
  `insert into release_file
    (release_id, path, role, sha256, size_bytes, content_type, platform, architecture, format, component, url)
    select release_id, path, role, sha256, size_bytes, content_type, platform, architecture, format, component, url
    from release_file_before`,
  'drop table release_file_before',
  'create index release_file_sha256 on release_file (sha256)',
  `create table file_digest (
    release_id text not null,
    role text not null,
    path text not null,
    algorithm text not null,
    value text not null,
    constraint file_digest_key primary key (release_id, role, path, algorithm),
    constraint file_digest_file foreign key (release_id, role, path) references release_file (release_id, role, path),
    constraint file_digest_algorithm check (algorithm in ('sha256', 'sha512', 'md5', 'package'))
  )`,
  'create index file_digest_value on file_digest (value)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
