import type { ReleaseFilter } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { sql, type SqlBool } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'
import { BUNDLE_SIGNATURE } from '../signing/statement-check.ts'

/** With what its publisher signed: the statement, and the bundle's digest. */
export type ReleaseRow = Schema['release'] & {
  floor: number | null
  statement: string | null
  statement_signature: string | null
  signature: string | null
  /** The key that signed it. */
  key_id: string | null
}

function selectReleases(db: Connection) {
  return db
    .selectFrom('release')
    .leftJoin('statement', 'statement.id', 'release.statement_id')
    .leftJoin('signature', (join) =>
      join
        .onRef('signature.release_id', '=', 'release.id')
        .on('signature.subject', '=', BUNDLE_SIGNATURE.subject)
        .on('signature.scheme', '=', BUNDLE_SIGNATURE.scheme),
    )
    .selectAll('release')
    .select([
      'statement.floor',
      'statement.text as statement',
      'statement.signature as statement_signature',
      'signature.value as signature',
    ])
    .select(({ fn }) => fn.coalesce('signature.key_id', 'statement.key_id').as('key_id'))
}

export function insertRelease(db: Connection, release: Schema['release']) {
  return db.insertInto('release').values(release).execute()
}

export function findRelease(db: Connection, id: string): Promise<ReleaseRow | undefined> {
  return selectReleases(db).where('release.id', '=', id).executeTakeFirst()
}

/** Of that platform, or else one that devices of it could mean by the version: what is for any is for all of them. */
export async function findReleaseByVersion(
  db: Connection,
  { appId, platform, version }: { appId: string; platform: Platform; version: string },
): Promise<ReleaseRow | undefined> {
  const rows = await selectReleases(db)
    .where('release.app_id', '=', appId)
    .where('release.version', '=', version)
    .$if(platform !== 'any', (releases) => releases.where('release.platform', 'in', [platform, 'any']))
    .orderBy('release.id')
    .execute()
  return rows.find((row) => row.platform === platform) ?? rows[0]
}

/** Archived ones count: devices may run them. */
export async function findReleaseByBuild(
  db: Connection,
  { appId, platform, buildId }: { appId: string; platform: Platform; buildId: string },
): Promise<{ id: string; version: string } | undefined> {
  return db
    .selectFrom('release')
    .select(['id', 'version'])
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('build_id', '=', buildId)
    .executeTakeFirst()
}

export function listReleases(
  db: Connection,
  ofApps: readonly string[] | null,
  { platform, channel, inForceOn, version, search, kind, active, archived }: ReleaseFilter,
  { after, limit }: PageRequest,
): Promise<ReleaseRow[]> {
  return selectReleases(db)
    .$if(ofApps !== null, (releases) => releases.where('release.app_id', 'in', ofApps ?? []))
    .$if(platform !== undefined, (releases) => releases.where('release.platform', '=', platform ?? 'any'))
    .$if(kind !== undefined, (releases) => releases.where('release.kind', '=', kind ?? 'archive'))
    .$if(channel !== undefined, (releases) =>
      releases.where(({ exists, selectFrom }) =>
        exists(
          selectFrom('rollout')
            .select('rollout.id')
            .whereRef('rollout.release_id', '=', 'release.id')
            .where('rollout.channel', '=', channel ?? ''),
        ),
      ),
    )
    .$if(inForceOn !== undefined, (releases) =>
      releases.where(({ exists, selectFrom }) =>
        exists(
          selectFrom('rollout')
            .select('rollout.id')
            .whereRef('rollout.release_id', '=', 'release.id')
            .where('rollout.channel', '=', inForceOn ?? '')
            .where('rollout.state', 'in', ['active', 'paused']),
        ),
      ),
    )
    .$if(version !== undefined, (releases) => releases.where('release.version', '=', version ?? ''))
    .$if(search !== undefined, (releases) => releases.where(containsText('release.version', search ?? '')))
    .$if(active !== undefined, (releases) =>
      releases.where(({ exists, not, selectFrom }) => {
        const isPlaced = exists(
          selectFrom('rollout')
            .select('rollout.id')
            .whereRef('rollout.release_id', '=', 'release.id')
            .where('rollout.state', 'in', ['active', 'paused']),
        )
        return active ? isPlaced : not(isPlaced)
      }),
    )
    .where('release.archived_at', archived ? 'is not' : 'is', null)
    .$if(after !== undefined, (releases) => releases.where('release.id', '<', after ?? ''))
    .orderBy('release.id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** Whatever its case. */
function containsText(column: string, text: string) {
  const pattern = `%${text.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
  return sql<SqlBool>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`
}

export type RolloutInForce = Pick<
  Schema['rollout'],
  'id' | 'release_id' | 'channel' | 'state' | 'percentage' | 'mandatory' | 'starts_at'
>

/** Rollouts that are active or paused, newest first. */
export async function listInForce(
  db: Connection,
  releaseIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RolloutInForce[]>> {
  if (releaseIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('rollout')
    .select(['id', 'release_id', 'channel', 'state', 'percentage', 'mandatory', 'starts_at'])
    .where('release_id', 'in', releaseIds)
    .where('state', 'in', ['active', 'paused'])
    .orderBy('id', 'desc')
    .execute()
  return Map.groupBy(rows, (row) => row.release_id ?? '')
}

/** False when it was archived before. */
export async function markArchived(db: Connection, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable('release')
    .set({ archived_at: now })
    .where('id', '=', id)
    .where('archived_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
