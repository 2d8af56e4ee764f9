import type { Connection } from '../../ground/database/schema.ts'
import { letArtifactsGo } from '../artifacts/let-artifacts-go.ts'
import type { ArchiveFacts } from '../content/archive/archive-kind.ts'
import type { NamedRelease } from './patch-management-store.ts'
import { waitingRow } from './patch-store.ts'
import type { WantedPatch } from './wanted-patches.ts'

/** An archive as it is stored, encrypted or not. */
export interface KnownArchive {
  sha256: string
  sizeBytes: number
  tree: string
  /** For which it is encrypted; undefined: it is not. */
  keyIds: readonly string[] | undefined
}

/** Undefined: it is no archive. */
export async function findArchive(db: Connection, { stored }: NamedRelease): Promise<KnownArchive | undefined> {
  if (stored === null) return undefined
  const row = await db
    .selectFrom('artifact')
    .innerJoin('artifact_facts', 'artifact_facts.sha256', 'artifact.sha256')
    .select(['size_bytes', 'facts'])
    .where('artifact.sha256', '=', stored)
    .where('artifact_facts.kind', '=', 'archive')
    .executeTakeFirst()
  if (!row) return undefined
  const { tree, sealed } = JSON.parse(row.facts) as ArchiveFacts
  return { sha256: stored, sizeBytes: row.size_bytes, tree, keyIds: sealed?.keyIds }
}

/** One for each pair and packing: what was there in its place goes. */
export async function putSent(
  tx: Connection,
  wanted: WantedPatch,
  { tree, baseTree, format, sha256 }: { tree: string; baseTree: string; format: string; sha256: string },
  by: { id: string; now: number; createdBy: string },
): Promise<{ id: string; isRepeated: boolean }> {
  const made = { state: 'made', tree, base_tree: baseTree, finished_at: by.now } as const
  // The row is written before anything is read: of two at once the second one waits, and sees what the first has put.
  const { id } = await tx
    .insertInto('patch')
    .values({ ...waitingRow(wanted, by), ...made })
    .onConflict((conflict) => conflict.columns(['app_id', 'kind', 'sha256', 'base_sha256']).doUpdateSet(made))
    .returning('id')
    .executeTakeFirstOrThrow()
  const before = await tx
    .selectFrom('sent_patch')
    .select('sha256')
    .where('patch_id', '=', id)
    .where('format', '=', format)
    .executeTakeFirst()
  if (before?.sha256 === sha256) return { id, isRepeated: true }
  await tx
    .insertInto('sent_patch')
    .values({ patch_id: id, format, sha256, created_at: by.now })
    .onConflict((conflict) => conflict.columns(['patch_id', 'format']).doUpdateSet({ sha256, created_at: by.now }))
    .execute()
  if (before) await letArtifactsGo(tx, [before.sha256], by.now)
  return { id, isRepeated: false }
}
