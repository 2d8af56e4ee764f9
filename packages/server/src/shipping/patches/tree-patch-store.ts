import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { SourceBytes } from '../making/make-from-artifact.ts'
import type { WantedPatch } from './wanted-patches.ts'

export type TreePatchRow = Schema['tree_patch']

/** That one is wanted, and nobody has tried yet. */
export interface AwaitingPatch extends SourceBytes {
  id: string
  base: SourceBytes
  /** What a device would fetch without it. */
  otherwiseBytes: number
}

/** What was wanted before stays as it is. */
export async function insertWanted(
  db: Connection,
  wanted: readonly WantedPatch[],
  { newId, now }: { newId: () => string; now: number },
): Promise<void> {
  if (wanted.length === 0) return
  await db
    .insertInto('tree_patch')
    .values(wanted.map((each) => waitingRow(each, { id: newId(), now, createdBy: null })))
    .onConflict((conflict) => conflict.columns(['app_id', 'sha256', 'base_sha256']).doNothing())
    .execute()
}

export function waitingRow(
  { appId, target, base }: WantedPatch,
  { id, now, createdBy }: { id: string; now: number; createdBy: string | null },
): TreePatchRow {
  return {
    id,
    app_id: appId,
    release_id: target.releaseId,
    base_release_id: base.releaseId,
    sha256: target.sha256,
    base_sha256: base.sha256,
    state: 'waiting',
    tree: null,
    base_tree: null,
    created_at: now,
    created_by: createdBy,
    finished_at: null,
  }
}

/** What somebody asked for first, then newest first. */
export async function listAwaitingPatches(db: Connection, limit: number): Promise<AwaitingPatch[]> {
  const rows = await db
    .selectFrom('tree_patch')
    .innerJoin('artifact as target', 'target.sha256', 'tree_patch.sha256')
    .innerJoin('artifact as base', 'base.sha256', 'tree_patch.base_sha256')
    .select(['tree_patch.id', 'tree_patch.sha256', 'base_sha256', 'target.size_bytes', 'base.size_bytes as base_bytes'])
    .select(({ selectFrom }) =>
      selectFrom('artifact_variant')
        .innerJoin('artifact as compressed', 'compressed.sha256', 'artifact_variant.variant_sha256')
        .select((of) => of.fn.min('compressed.size_bytes').as('bytes'))
        .whereRef('artifact_variant.sha256', '=', 'tree_patch.sha256')
        .where('artifact_variant.kind', '=', 'compressed')
        .as('compressed_bytes'),
    )
    .where('state', '=', 'waiting')
    .orderBy(({ eb }) => eb.case().when('created_by', 'is', null).then(1).else(0).end())
    .orderBy('tree_patch.id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ id, sha256, base_sha256, size_bytes, base_bytes, compressed_bytes }) => ({
    id,
    sha256,
    sizeBytes: size_bytes,
    base: { sha256: base_sha256, sizeBytes: base_bytes },
    otherwiseBytes: Math.min(size_bytes, compressed_bytes ?? size_bytes),
  }))
}

/** False when nobody waits for it any more. */
export async function finishPatch(
  tx: Connection,
  id: string,
  found: Pick<TreePatchRow, 'state' | 'tree' | 'base_tree' | 'finished_at'>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('tree_patch')
    .set(found)
    .where('id', '=', id)
    .where('state', '=', 'waiting')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
