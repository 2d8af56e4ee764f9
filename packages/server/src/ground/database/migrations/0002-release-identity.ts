import { sql, type Kysely } from 'kysely'

/** A release is (app, platform, version): a publish on a further channel places it there, and has an answer of its own. */
const STATEMENTS = [
  'create table publication_before as select * from publication',
  'drop table publication',
  `create table publication (
    release_id text not null,
    channel text not null,
    request_digest text not null,
    answer text not null,
    constraint publication_key primary key (release_id, channel),
    constraint publication_release foreign key (release_id) references release (id)
  )`,
  `insert into publication (release_id, channel, request_digest, answer)
    select before.release_id, release.channel, before.request_digest, before.answer
    from publication_before as before join release on release.id = before.release_id`,
  'drop table publication_before',
  // A constraint of SQLite cannot be dropped from a table that others refer to; this implies the one with the channel.
  'create unique index release_identity on release (app_id, platform, version)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  await refuseAmbiguous(db)
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

/** Which of two contents a version means is nothing that a migration can choose. */
async function refuseAmbiguous(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ app_id: string; platform: string; version: string }>`
    select app_id, platform, version from release group by app_id, platform, version having count(*) > 1
    order by app_id, platform, version limit 10`.execute(db)
  if (rows.length === 0) return
  const named = rows.map(({ app_id, platform, version }) => `${version} for ${platform} of the app ${app_id}`)
  throw new Error(
    `Expected one release of each version, found several on different channels: ${named.join(', ')}. ` +
      'Go on with the server of before, or begin with an empty database.',
  )
}
