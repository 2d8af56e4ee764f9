import { sql, type Kysely } from 'kysely'

/**
 * Files of an archive are listed beside it, and one of them may have its name: a file is known by its role, too. What
 * is encrypted belongs to one release, not to an artifact: each has a session key of its own.
 */
const STATEMENTS: readonly string[] = [
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
    constraint release_file_role check (role in ('archive', 'manifest', 'asset', 'binary', 'component')),
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
  'alter table artifact add column awaits_compression integer default 0 not null',
  'create index artifact_awaits_compression on artifact (created_at) where awaits_compression = 1',
  'drop table artifact_variant',
  `create table artifact_variant (
    sha256 text not null,
    variant_sha256 text not null,
    kind text not null,
    algorithm text not null,
    base_sha256 text,
    created_at bigint not null,
    constraint artifact_variant_key primary key (sha256, variant_sha256),
    constraint artifact_variant_artifact foreign key (sha256) references artifact (sha256),
    constraint artifact_variant_bytes foreign key (variant_sha256) references artifact (sha256),
    constraint artifact_variant_base foreign key (base_sha256) references artifact (sha256),
    constraint artifact_variant_kind check (kind in ('patch', 'compressed')),
    constraint artifact_variant_patch check ((kind = 'patch') = (base_sha256 is not null))
  )`,
  `create table release_variant (
    id text primary key,
    release_id text not null,
    algorithm text not null,
    key_id text not null,
    facts text not null,
    sha256 text not null,
    size_bytes bigint not null,
    created_at bigint not null,
    created_by text not null,
    constraint release_variant_of unique (release_id, algorithm, key_id),
    constraint release_variant_release foreign key (release_id) references release (id),
    constraint release_variant_bytes foreign key (sha256) references artifact (sha256)
  )`,
  `create table release_variant_file (
    variant_id text not null,
    path text not null,
    sha256 text not null,
    size_bytes bigint not null,
    checksum text not null,
    constraint release_variant_file_key primary key (variant_id, path),
    constraint release_variant_file_variant foreign key (variant_id) references release_variant (id) on delete cascade,
    constraint release_variant_file_bytes foreign key (sha256) references artifact (sha256)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
