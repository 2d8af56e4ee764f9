import type { PatchFilter } from '@hotpatch/api'
import { ARCHIVE_NAME, ENCRYPTED_ARCHIVE_NAME, type Platform } from '@hotpatch/protocol'
import { sql, type Expression, type SqlBool } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'
import { letArtifactsGo } from '../artifacts/let-artifacts-go.ts'
import { isFormatOf, PACKED_FORMAT, type PatchableRelease } from './patch-kinds.ts'
import { selectPatchBytes } from './patch-queries.ts'
import { waitingRow, type PatchRow } from './patch-store.ts'
import type { WantedPatch } from './wanted-patches.ts'

export type ListedPatch = Awaited<ReturnType<ReturnType<typeof selectPatches>['execute']>>[number]

function selectPatches(db: Connection, appId: string) {
  return (
    db
      .selectFrom('patch')
      .innerJoin('release as target', 'target.id', 'patch.release_id')
      .leftJoin('release as base', 'base.id', 'patch.base_release_id')
      .innerJoin('artifact', 'artifact.sha256', 'patch.sha256')
      .selectAll('patch')
      .select(['target.platform', 'target.version', 'base.version as base_version', 'artifact.size_bytes'])
      // Of two platforms the same may have shipped.
      .select(({ selectFrom }) =>
        selectFrom('embedded_update')
          .select(({ fn }) => fn.min('native_versions').as('versions'))
          .whereRef('embedded_update.app_id', '=', 'patch.app_id')
          .whereRef('embedded_update.update_id', '=', 'patch.base_embedded_id')
          .as('embedded_versions'),
      )
      .select(({ exists, selectFrom }) =>
        exists(
          selectFrom('release_file')
            .select('path')
            .whereRef('release_file.release_id', '=', 'patch.release_id')
            .whereRef('release_file.sha256', '=', 'patch.sha256')
            .where('role', '=', 'archive')
            .where('path', '=', ENCRYPTED_ARCHIVE_NAME),
        ).as('is_encrypted'),
      )
      .where('patch.app_id', '=', appId)
      .orderBy('patch.id', 'desc')
  )
}

export function listPatches(
  db: Connection,
  appId: string,
  { state, to }: PatchFilter,
  limit: number,
): Promise<ListedPatch[]> {
  let patches = selectPatches(db, appId)
  if (state !== undefined) patches = patches.where('state', '=', state)
  if (to !== undefined) patches = patches.where('patch.release_id', '=', to)
  return patches.limit(limit).execute()
}

export function findPatch(db: Connection, appId: string, id: string): Promise<ListedPatch | undefined> {
  return selectPatches(db, appId).where('patch.id', '=', id).executeTakeFirst()
}

function selectPacked(db: Connection, ids: readonly string[]) {
  return selectPatchBytes(db).where('patch.id', 'in', ids)
}

/** By the id of the patch, the smallest first. */
export async function listPacked(db: Connection, ids: readonly string[]) {
  if (ids.length === 0) return new Map<string, never>()
  const rows = await selectPacked(db, ids)
    .innerJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
    .select(['id', 'patch.kind', 'algorithm', 'variant_sha256', 'size_bytes'])
    .where('state', '=', 'made')
    .orderBy('size_bytes')
    .orderBy('variant_sha256')
    .execute()
  const own = [...rows, ...(await listSentBytes(db, ids))].filter(({ kind, algorithm }) => isFormatOf(kind, algorithm))
  const packed = own.map(({ id, algorithm, variant_sha256, size_bytes }) => ({
    id,
    each: { format: algorithm, sha256: variant_sha256, sizeBytes: size_bytes },
  }))
  const byPatch = Map.groupBy(packed, ({ id }) => id)
  return new Map([...byPatch].map(([id, ofPatch]) => [id, ofPatch.map(({ each }) => each)]))
}

/** Encryption §4.1: the same of those that their publisher has made. */
function listSentBytes(db: Connection, ids: readonly string[]) {
  return db
    .selectFrom('sent_patch')
    .innerJoin('patch', 'patch.id', 'sent_patch.patch_id')
    .innerJoin('artifact', 'artifact.sha256', 'sent_patch.sha256')
    .select(['patch.id', 'patch.kind', 'sent_patch.format as algorithm'])
    .select(['sent_patch.sha256 as variant_sha256', 'artifact.size_bytes'])
    .where('patch.id', 'in', ids)
    .where('state', '=', 'made')
    .orderBy('artifact.size_bytes')
    .orderBy('sent_patch.sha256')
    .execute()
}

/** Of one that is encrypted, nobody here can look inside: there is no archive to make anything of. */
export interface NamedRelease extends PatchableRelease {
  isEncrypted: boolean
  /** The digest of its zip as it is stored, encrypted or not; null: it is no archive. */
  stored: string | null
}

/** Of the newest release that has this version. */
export async function findPatchable(
  db: Connection,
  { appId, platform, version }: { appId: string; platform: Platform; version: string },
): Promise<NamedRelease | undefined> {
  const row = await db
    .selectFrom('release')
    .leftJoin('release_file', (join) =>
      join.onRef('release_file.release_id', '=', 'release.id').on('release_file.role', '=', 'archive'),
    )
    .select(['release.id', 'release.kind', 'launch_sha256', 'release_file.sha256', 'release_file.path'])
    .where('release.app_id', '=', appId)
    .where('release.platform', '=', platform)
    .where('release.version', '=', version)
    .orderBy('release.id', 'desc')
    .executeTakeFirst()
  if (!row) return undefined
  const isEncrypted = row.path !== null && row.path !== ARCHIVE_NAME
  const archive = isEncrypted ? null : row.sha256
  return { releaseId: row.id, content: row.kind, archive, stored: row.sha256, launch: row.launch_sha256, isEncrypted }
}

/**
 * An archive; of the newest binary, if several are of that native version.
 * @param name its id, or a native version
 */
export async function findEmbedded(
  db: Connection,
  { appId, platform, name }: { appId: string; platform: Platform; name: string },
): Promise<{ embeddedId: string; sha256: string; kind: 'expo' | 'archive' } | undefined> {
  const rows = await db
    .selectFrom('embedded_update')
    .select(['update_id', 'sha256', 'kind', 'native_versions'])
    .where('app_id', '=', appId)
    .$if(platform !== 'any', (updates) => updates.where('platform', '=', platform))
    .orderBy(({ fn }) => fn.coalesce('built_at', 'created_at'), 'desc')
    .execute()
  const found =
    rows.find((row) => row.update_id === name) ??
    rows.find((row) => (JSON.parse(row.native_versions) as string[]).includes(name))
  return found && { embeddedId: found.update_id, sha256: found.sha256, kind: found.kind }
}

/** What waits or is made stays as it is, be it that two ask at once. Returns its id. */
export async function putWaiting(
  tx: Connection,
  wanted: WantedPatch,
  by: { id: string; now: number; createdBy: string },
): Promise<string> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('patch')
    .values(waitingRow(wanted, by))
    .onConflict((conflict) => conflict.columns(['app_id', 'kind', 'sha256', 'base_sha256']).doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows === 1n) return by.id
  const known = await tx
    .selectFrom('patch')
    .select(['id', 'state'])
    .where('app_id', '=', wanted.appId)
    .where('kind', '=', wanted.kind)
    .where('sha256', '=', wanted.target.sha256)
    .where('base_sha256', '=', wanted.base.sha256)
    .executeTakeFirstOrThrow()
  if (known.state === 'made') return known.id
  const again: Partial<PatchRow> = { state: 'waiting', created_by: by.createdBy, finished_at: null }
  await tx.updateTable('patch').set(again).where('id', '=', known.id).execute()
  return known.id
}

export async function markPruned(tx: Connection, id: string, now: number): Promise<void> {
  await tx.updateTable('patch').set({ state: 'pruned', finished_at: now }).where('id', '=', id).execute()
}

/** Unless another app has the same. The bytes are let go by the sweep, unless something else has them. */
export async function deletePatchBytes(tx: Connection, id: string, now: number): Promise<void> {
  const sent = await tx.deleteFrom('sent_patch').where('patch_id', '=', id).returning('sha256').execute()
  const found = await selectPacked(tx, [id])
    .select(['artifact_variant.sha256', 'variant_sha256', 'patch.kind', 'algorithm'])
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('patch as other')
            .select('other.id')
            .whereRef('other.id', '<>', 'patch.id')
            .whereRef('other.kind', '=', 'patch.kind')
            .whereRef('other.sha256', '=', 'patch.sha256')
            .whereRef('other.base_sha256', '=', 'patch.base_sha256')
            .where('other.state', '=', 'made'),
        ),
      ),
    )
    .execute()
  const rows = found.filter(({ kind, algorithm }) => isFormatOf(kind, algorithm))
  const keys = [...rows.map(({ variant_sha256 }) => variant_sha256), ...sent.map(({ sha256 }) => sha256)]
  if (keys.length === 0) return
  for (const { sha256, variant_sha256 } of rows) {
    await tx
      .deleteFrom('artifact_variant')
      .where('sha256', '=', sha256)
      .where('variant_sha256', '=', variant_sha256)
      .execute()
  }
  await letArtifactsGo(tx, keys, now)
}

/** What is stored of patches and packed releases, the same bytes once. */
export async function sumStored(db: Connection, appId: string) {
  const patches = await sumVariants(
    db,
    selectPatchBytes(db)
      .select('variant_sha256')
      .where('app_id', '=', appId)
      .where('state', '=', 'made')
      .union(
        db
          .selectFrom('sent_patch')
          .innerJoin('patch', 'patch.id', 'sent_patch.patch_id')
          .select('sent_patch.sha256 as variant_sha256')
          .where('app_id', '=', appId),
      ),
  )
  const packed = await sumVariants(
    db,
    db
      .selectFrom('release')
      .innerJoin('release_file', 'release_file.release_id', 'release.id')
      .innerJoin('artifact_variant', 'artifact_variant.sha256', 'release_file.sha256')
      .select('variant_sha256')
      .where('app_id', '=', appId)
      .where('role', '=', 'archive')
      .where('artifact_variant.kind', '=', 'compressed')
      .where('algorithm', '=', PACKED_FORMAT),
  )
  return { patches: patches.count, patchBytes: patches.bytes, packed: packed.count, packedBytes: packed.bytes }
}

function sumVariants(db: Connection, keys: Expression<{ variant_sha256: string }>) {
  return (
    db
      .selectFrom('artifact')
      // PostgreSQL sums bigint into numeric, which would arrive as text.
      .select([
        sql<number>`count(*)`.as('count'),
        sql<number>`cast(coalesce(sum(size_bytes), 0) as bigint)`.as('bytes'),
      ])
      .where(sql<SqlBool>`sha256 in ${keys}`)
      .executeTakeFirstOrThrow()
  )
}
