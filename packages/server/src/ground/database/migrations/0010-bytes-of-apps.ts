import { sql, type Kysely } from 'kysely'

/** Whose bytes are whose: a digest alone is no reason to be told of them, or to be given them for a release. */
const STATEMENTS: readonly string[] = [
  `create table app_artifact (
    app_id text not null,
    sha256 text not null,
    kept_until bigint,
    constraint app_artifact_key primary key (app_id, sha256),
    constraint app_artifact_app foreign key (app_id) references app (id),
    constraint app_artifact_artifact foreign key (sha256) references artifact (sha256) on delete cascade
  )`,
  'create index app_artifact_sha256 on app_artifact (sha256)',
  `insert into app_artifact (app_id, sha256, kept_until)
    select distinct release.app_id, release_file.sha256, cast(null as bigint)
    from release_file inner join release on release.id = release_file.release_id
    where release_file.sha256 is not null`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}
