import type { TreePatchFilter } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { waitingRow, type TreePatchRow } from './tree-patch-store.ts'
import type { ArchiveRelease, WantedPatch } from './wanted-patches.ts'

export type ListedPatch = Awaited<ReturnType<ReturnType<typeof selectPatches>['execute']>>[number]

function selectPatches(db: Connection, appId: string) {
  return db
    .selectFrom('tree_patch')
    .innerJoin('release as target', 'target.id', 'tree_patch.release_id')
    .innerJoin('release as base', 'base.id', 'tree_patch.base_release_id')
    .innerJoin('artifact', 'artifact.sha256', 'tree_patch.sha256')
    .selectAll('tree_patch')
    .select(['target.platform', 'target.version', 'base.version as base_version', 'artifact.size_bytes'])
    .where('tree_patch.app_id', '=', appId)
    .orderBy('tree_patch.id', 'desc')
}

export function listPatches(
  db: Connection,
  appId: string,
  { state }: TreePatchFilter,
  limit: number,
): Promise<ListedPatch[]> {
  let patches = selectPatches(db, appId)
  if (state !== undefined) patches = patches.where('state', '=', state)
  return patches.limit(limit).execute()
}

export function findPatch(db: Connection, appId: string, id: string): Promise<ListedPatch | undefined> {
  return selectPatches(db, appId).where('tree_patch.id', '=', id).executeTakeFirst()
}

function selectPacked(db: Connection, ids: readonly string[]) {
  return db
    .selectFrom('tree_patch')
    .innerJoin('artifact_variant', (join) =>
      join
        .onRef('artifact_variant.sha256', '=', 'tree_patch.sha256')
        .onRef('artifact_variant.base_sha256', '=', 'tree_patch.base_sha256')
        .on('artifact_variant.kind', '=', 'patch'),
    )
    .where('tree_patch.id', 'in', ids)
}

/** By the id of the patch, the smallest first. */
export async function listPacked(db: Connection, ids: readonly string[]) {
  if (ids.length === 0) return new Map<string, never>()
  const rows = await selectPacked(db, ids)
    .innerJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
    .select(['id', 'algorithm', 'variant_sha256', 'size_bytes'])
    .where('state', '=', 'made')
    .orderBy('size_bytes')
    .orderBy('variant_sha256')
    .execute()
  const packed = rows.map(({ id, algorithm, variant_sha256, size_bytes }) => ({
    id,
    each: { format: algorithm, sha256: variant_sha256, sizeBytes: size_bytes },
  }))
  const byPatch = Map.groupBy(packed, ({ id }) => id)
  return new Map([...byPatch].map(([id, ofPatch]) => [id, ofPatch.map(({ each }) => each)]))
}

/** Of the newest release that has this version. */
export async function findArchive(
  db: Connection,
  { appId, platform, version }: { appId: string; platform: Platform; version: string },
): Promise<ArchiveRelease | undefined> {
  const row = await db
    .selectFrom('release')
    .innerJoin('release_file', 'release_file.release_id', 'release.id')
    .select(['release.id', 'release_file.sha256'])
    .where('release.app_id', '=', appId)
    .where('release.platform', '=', platform)
    .where('release.version', '=', version)
    .where('role', '=', 'archive')
    .orderBy('release.id', 'desc')
    .executeTakeFirst()
  return row?.sha256 ? { releaseId: row.id, sha256: row.sha256 } : undefined
}

/** What waits or is made stays as it is. Returns its id. */
export async function putWaiting(
  tx: Connection,
  wanted: WantedPatch,
  by: { id: string; now: number; createdBy: string },
): Promise<string> {
  const known = await tx
    .selectFrom('tree_patch')
    .select(['id', 'state'])
    .where('app_id', '=', wanted.appId)
    .where('sha256', '=', wanted.target.sha256)
    .where('base_sha256', '=', wanted.base.sha256)
    .executeTakeFirst()
  if (!known) {
    await tx.insertInto('tree_patch').values(waitingRow(wanted, by)).execute()
    return by.id
  }
  if (known.state === 'made') return known.id
  const again: Partial<TreePatchRow> = { state: 'waiting', created_by: by.createdBy, finished_at: null }
  await tx.updateTable('tree_patch').set(again).where('id', '=', known.id).execute()
  return known.id
}

export async function markPruned(tx: Connection, id: string, now: number): Promise<void> {
  await tx.updateTable('tree_patch').set({ state: 'pruned', finished_at: now }).where('id', '=', id).execute()
}

/** Unless another app has the same. The bytes are let go by the sweep, unless something else has them. */
export async function deletePatchBytes(tx: Connection, id: string, now: number): Promise<void> {
  const rows = await selectPacked(tx, [id])
    .select(['artifact_variant.sha256', 'artifact_variant.base_sha256', 'variant_sha256'])
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('tree_patch as other')
            .select('other.id')
            .whereRef('other.sha256', '=', 'tree_patch.sha256')
            .whereRef('other.base_sha256', '=', 'tree_patch.base_sha256')
            .where('other.state', '=', 'made'),
        ),
      ),
    )
    .execute()
  const keys = rows.map(({ variant_sha256 }) => variant_sha256)
  if (keys.length === 0) return
  for (const { sha256, variant_sha256 } of rows) {
    await tx
      .deleteFrom('artifact_variant')
      .where('sha256', '=', sha256)
      .where('variant_sha256', '=', variant_sha256)
      .execute()
  }
  await tx
    .updateTable('artifact')
    .set({ kept_until: now })
    .where('sha256', 'in', keys)
    .where(({ and, exists, not, selectFrom }) =>
      and(
        (['release_file', 'embedded_update', 'artifact_variant', 'app_artifact'] as const).map((table) =>
          not(exists(selectFrom(table).select(`${table}.sha256`).whereRef(`${table}.sha256`, '=', 'artifact.sha256'))),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('artifact_variant')
            .select('artifact_variant.sha256')
            .whereRef('artifact_variant.variant_sha256', '=', 'artifact.sha256'),
        ),
      ),
    )
    .execute()
}
