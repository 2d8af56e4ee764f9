import { sql, type SqlBool } from 'kysely'
import { DAY_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'

/** With `release` and `app`: archived for as long as its app keeps the bytes of such. */
function isPastKeeping(now: number) {
  return sql<SqlBool>`(release.archived_at is not null and app.archived_retention_days is not null
    and release.archived_at + cast(app.archived_retention_days as bigint) * ${DAY_MS} <= ${now})`
}

/** Releases whose bytes are to leave, those first that were archived first. */
export function listPastKeeping(db: Connection, now: number, limit: number) {
  return db
    .selectFrom('release')
    .innerJoin('app', 'app.id', 'release.app_id')
    .select('release.id')
    .where('release.bytes_removed_at', 'is', null)
    .where('release.archived_at', 'is not', null)
    .where(isPastKeeping(now))
    .orderBy('release.archived_at')
    .limit(limit)
    .execute()
}

/** False when another server was faster. */
export async function markBytesRemoved(tx: Connection, releaseId: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('release')
    .set({ bytes_removed_at: now })
    .where('id', '=', releaseId)
    .where('bytes_removed_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Of its content, and of its encrypted forms. */
export async function listKeysOf(tx: Connection, releaseId: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('release_file')
    .select('sha256')
    .where('release_id', '=', releaseId)
    .union(tx.selectFrom('release_variant').select('sha256').where('release_id', '=', releaseId))
    .union(
      tx
        .selectFrom('release_variant_file')
        .innerJoin('release_variant', 'release_variant.id', 'release_variant_file.variant_id')
        .select('release_variant_file.sha256')
        .where('release_id', '=', releaseId),
    )
    .execute()
  // What lies elsewhere has no bytes here.
  return rows.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256])).sort()
}

/**
 * Of those that nothing waits for, and locks their rows: who takes one for a new release waits, and is then told that it
 * has to be sent again.
 * @returns those that it took
 */
export async function takeBytes(tx: Connection, keys: readonly string[], now: number): Promise<string[]> {
  const rows = await tx
    .updateTable('artifact')
    .set({ bytes_until: now, awaits_compression: 0, awaits_packing: 0 })
    .where('sha256', 'in', keys)
    .where('kept_until', 'is', null)
    .where('bytes_until', 'is', null)
    .returning('sha256')
    .execute()
  return rows.map(({ sha256 }) => sha256)
}

/** Asked when the rows are locked: what is written meanwhile is not there, or seen. */
export async function listNeeded(tx: Connection, keys: readonly string[], now: number): Promise<string[]> {
  const ofReleases = tx
    .selectFrom('release_file')
    .innerJoin('release', 'release.id', 'release_file.release_id')
    .innerJoin('app', 'app.id', 'release.app_id')
    .select('sha256')
    .where('sha256', 'in', keys)
    .where(({ not }) => not(isPastKeeping(now)))
  const ofVariants = tx
    .selectFrom('release_variant')
    .innerJoin('release', 'release.id', 'release_variant.release_id')
    .innerJoin('app', 'app.id', 'release.app_id')
    .leftJoin('release_variant_file', 'release_variant_file.variant_id', 'release_variant.id')
    .where(({ not }) => not(isPastKeeping(now)))
  const rows = await ofReleases
    .union(ofVariants.select('release_variant.sha256').where('release_variant.sha256', 'in', keys))
    .union(
      ofVariants
        .select(sql<string>`release_variant_file.sha256`.as('sha256'))
        .where('release_variant_file.sha256', 'in', keys),
    )
    .union(tx.selectFrom('embedded_update').select('sha256').where('sha256', 'in', keys))
    .union(
      tx.selectFrom('app_artifact').select('sha256').where('sha256', 'in', keys).where('kept_until', 'is not', null),
    )
    // The same bytes may have been made of something else.
    .union(tx.selectFrom('artifact_variant').select('variant_sha256 as sha256').where('variant_sha256', 'in', keys))
    .union(
      tx
        .selectFrom('block_map')
        .select(sql<string>`map_sha256`.as('sha256'))
        .where('map_sha256', 'in', keys),
    )
    .union(
      tx
        .selectFrom('package_diff')
        .select(sql<string>`diff_sha256`.as('sha256'))
        .where('diff_sha256', 'in', keys),
    )
    .union(tx.selectFrom('sent_patch').select('sha256').where('sha256', 'in', keys))
    .execute()
  return rows.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256]))
}

export async function giveBack(tx: Connection, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await tx.updateTable('artifact').set({ bytes_until: null }).where('sha256', 'in', keys).execute()
}

/**
 * What was made so that devices get to these bytes. What was made of them, so that devices get to others, stays: some
 * still run what is archived.
 * @returns the keys of what was made
 */
export async function deleteMade(tx: Connection, keys: readonly string[], now: number): Promise<string[]> {
  const variants = await tx
    .deleteFrom('artifact_variant')
    .where('sha256', 'in', keys)
    .returning('variant_sha256 as key')
    .execute()
  const maps = await tx.deleteFrom('block_map').where('sha256', 'in', keys).returning('map_sha256 as key').execute()
  const diffs = await tx
    .deleteFrom('package_diff')
    .where('sha256', 'in', keys)
    .returning('diff_sha256 as key')
    .execute()
  const patches = tx.selectFrom('patch').select('id').where('sha256', 'in', keys)
  const sent = await tx.deleteFrom('sent_patch').where('patch_id', 'in', patches).returning('sha256 as key').execute()
  await tx
    .updateTable('patch')
    .set({ state: 'pruned', finished_at: now })
    .where('sha256', 'in', keys)
    .where('state', 'in', ['waiting', 'made'])
    .execute()
  return [...variants, ...maps, ...diffs, ...sent].flatMap(({ key }) => (key === null ? [] : [key]))
}
