import { sql } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { SourceBytes } from '../making/make-from-artifact.ts'
import type { PatchKind } from './patch-kinds.ts'
import type { WantedPatch } from './wanted-patches.ts'

export type PatchRow = Schema['patch']

/** That one is wanted, and nobody has tried yet. */
export interface AwaitingPatch extends SourceBytes {
  id: string
  appId: string
  kind: PatchKind
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
    .insertInto('patch')
    .values(wanted.map((each) => waitingRow(each, { id: newId(), now, createdBy: null })))
    .onConflict((conflict) => conflict.columns(['app_id', 'kind', 'sha256', 'base_sha256']).doNothing())
    .execute()
}

export function waitingRow(
  { appId, kind, target, base }: WantedPatch,
  { id, now, createdBy }: { id: string; now: number; createdBy: string | null },
): PatchRow {
  return {
    id,
    app_id: appId,
    kind,
    release_id: target.releaseId,
    base_release_id: 'releaseId' in base ? base.releaseId : null,
    base_embedded_id: 'embeddedId' in base ? base.embeddedId : null,
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

/**
 * Of the app whose turn was longest ago first: whoever wants a thousand of one app lets no other wait for them. Within an
 * app what somebody asked for, then newest first.
 * @param turns when each app had its last turn, as numbers that rise
 */
export async function listAwaitingPatches(
  db: Connection,
  limit: number,
  turns: ReadonlyMap<string, number>,
): Promise<AwaitingPatch[]> {
  const isAutomatic = sql<number>`case when created_by is null then 1 else 0 end`
  const rows = await db
    .selectFrom((from) =>
      from
        .selectFrom('patch')
        .select(['id', 'app_id', 'kind', 'sha256', 'base_sha256', isAutomatic.as('is_automatic')])
        .select(sql<number>`row_number() over (partition by app_id order by ${isAutomatic}, id desc)`.as('place'))
        .where('state', '=', 'waiting')
        .as('patch'),
    )
    .innerJoin('artifact as target', 'target.sha256', 'patch.sha256')
    .innerJoin('artifact as base', 'base.sha256', 'patch.base_sha256')
    .select(['patch.id', 'patch.app_id', 'patch.kind', 'patch.sha256', 'base_sha256'])
    .select(['target.size_bytes', 'base.size_bytes as base_bytes'])
    .select(({ selectFrom }) =>
      selectFrom('artifact_variant')
        .innerJoin('artifact as compressed', 'compressed.sha256', 'artifact_variant.variant_sha256')
        .select((of) => of.fn.min('compressed.size_bytes').as('bytes'))
        .whereRef('artifact_variant.sha256', '=', 'patch.sha256')
        .where('artifact_variant.kind', '=', 'compressed')
        .as('compressed_bytes'),
    )
    .where('place', '<=', limit)
    .orderBy('is_automatic')
    .orderBy('patch.id', 'desc')
    .execute()
  const turnOf = (row: { app_id: string }) => turns.get(row.app_id) ?? 0
  const inTurn = rows.toSorted((left, right) => turnOf(left) - turnOf(right)).slice(0, limit)
  return inTurn.map(({ id, app_id, kind, sha256, base_sha256, size_bytes, base_bytes, compressed_bytes }) => ({
    id,
    appId: app_id,
    kind,
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
  found: Pick<PatchRow, 'state' | 'tree' | 'base_tree' | 'finished_at'>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('patch')
    .set(found)
    .where('id', '=', id)
    .where('state', '=', 'waiting')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * The ids of those that the server made by itself, and that lead to what is not among so many rollouts of any channel and
 * platform any more, in whichever release: nobody is offered them.
 */
export async function listOutlived(db: Connection, rollouts: number, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with placed as (
      select release_id, row_number() over (
        partition by app_id, platform, channel order by position desc
      ) as place from rollout
    ), kept as (
      select release.app_id, release.launch_sha256, release_file.sha256 as archive from placed
      join release on release.id = placed.release_id
      left join release_file on release_file.release_id = release.id and release_file.role = 'archive'
      where placed.place <= ${rollouts}
    )
    select id from patch
    where created_by is null and state <> 'pruned' and not exists (
      select 1 from kept
      where kept.app_id = patch.app_id and patch.sha256 in (kept.launch_sha256, kept.archive)
    )
    order by id limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

export async function deletePatches(tx: Connection, ids: readonly string[]): Promise<void> {
  await tx.deleteFrom('patch').where('id', 'in', ids).execute()
}
