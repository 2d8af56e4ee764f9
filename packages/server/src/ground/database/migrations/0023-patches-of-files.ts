import { sql, type Kysely } from 'kysely'

/** Patches are of trees, or of the one file of a release that is run first; and of what a binary shipped with, too. */
const STATEMENTS: readonly string[] = [
  `create table patch (
    id text primary key,
    app_id text not null,
    kind text not null,
    release_id text not null,
    base_release_id text,
    base_embedded_id text,
    sha256 text not null,
    base_sha256 text not null,
    state text not null,
    tree text,
    base_tree text,
    created_at bigint not null,
    created_by text,
    finished_at bigint,
    constraint patch_once unique (app_id, kind, sha256, base_sha256),
    constraint patch_app foreign key (app_id) references app (id),
    constraint patch_release foreign key (release_id) references release (id),
    constraint patch_base_release foreign key (base_release_id) references release (id),
    constraint patch_artifact foreign key (sha256) references artifact (sha256),
    constraint patch_base foreign key (base_sha256) references artifact (sha256),
    constraint patch_kind check (kind in ('tree', 'bsdiff40', 'bsdiff43')),
    constraint patch_of_one check ((base_release_id is null) <> (base_embedded_id is null)),
    constraint patch_state check (state in ('waiting', 'made', 'not-smaller', 'too-large', 'lost', 'pruned'))
  )`,
  `create index patch_waiting on patch (id) where state = 'waiting'`,
  'create index patch_sha256 on patch (sha256, base_sha256)',
  'alter table release add column launch_sha256 text',
  'create index release_launch on release (app_id, launch_sha256) where launch_sha256 is not null',
]

/** Few enough for the parameters that a statement may have. */
const ROWS_AT_ONCE = 50

type Row = Record<string, unknown>

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
  const tables = db as Kysely<Record<string, Row>>
  const { rows } = await sql<Row>`select * from tree_patch`.execute(db)
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const moved = rows.slice(at, at + ROWS_AT_ONCE).map((row) => ({ base_embedded_id: null, ...row, kind: 'tree' }))
    await tables.insertInto('patch').values(moved).execute()
  }
  await sql.raw('drop table tree_patch').execute(db)
  for (const { id, sha256 } of [...(await launchedBuilds(db)), ...(await launchedExports(db))]) {
    await sql`update release set launch_sha256 = ${sha256} where id = ${id}`.execute(db)
  }
}

interface Launched {
  id: string
  sha256: string
}

const BUNDLES: Readonly<Record<string, RegExp>> = {
  android: /(?:^|\/)[^/]*\.android\.bundle$/,
  ios: /^(?:index\.ios\.bundle|main\.jsbundle)$/,
}

/** Of what hot-updater's tool builds: its bundle, where it is the only one. */
async function launchedBuilds(db: Kysely<unknown>): Promise<Launched[]> {
  const { rows } = await sql<Launched & { platform: string; path: string }>`
    select release.id, release.platform, release_file.path, release_file.sha256 from release
    join release_file on release_file.release_id = release.id and release_file.role = 'asset'
    where release.build_id is not null and release_file.path like '%bundle'`.execute(db)
  const bundles = Map.groupBy(
    rows.filter(({ platform, path }) => BUNDLES[platform]?.test(path)),
    ({ id }) => id,
  )
  return [...bundles.values()].flatMap(([bundle, another]) => (bundle && !another ? [bundle] : []))
}

/** Of what Expo's tool exports: its bundle. */
async function launchedExports(db: Kysely<unknown>): Promise<Launched[]> {
  const launched: Launched[] = []
  const exports = await sql<{ id: string; exported: string }>`
    select release_file.release_id as id, expo_export.exported from release_file
    join expo_export on expo_export.sha256 = release_file.sha256 where release_file.role = 'manifest'`.execute(db)
  for (const { id, exported } of exports.rows) {
    const { bundle } = JSON.parse(exported) as { bundle: string }
    const { rows } = await sql<Launched>`
      select release_id as id, sha256 from release_file
      where release_id = ${id} and role = 'asset' and path = ${bundle}`.execute(db)
    launched.push(...rows)
  }
  return launched
}
