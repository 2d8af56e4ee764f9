import type { Connection } from '../../ground/database/schema.ts'
import type { SourceBytes } from '../making/make-from-artifact.ts'

/** An archive that nobody has tried to pack anew yet. */
export type AwaitingPacking = SourceBytes

/** Newest first; of those that wait for their release nobody knows whether it comes, and no others are offered. */
export async function listAwaitingPacking(db: Connection, limit: number): Promise<AwaitingPacking[]> {
  const rows = await db
    .selectFrom('artifact')
    .select(['sha256', 'size_bytes'])
    .where('awaits_packing', '=', 1)
    .where('kept_until', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('release_file')
          .select('release_file.sha256')
          .whereRef('release_file.sha256', '=', 'artifact.sha256')
          .where('role', '=', 'archive'),
      ),
    )
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ sha256, size_bytes }) => ({ sha256, sizeBytes: size_bytes }))
}

export async function markTried(tx: Connection, sha256: string): Promise<void> {
  await tx.updateTable('artifact').set({ awaits_packing: 0 }).where('sha256', '=', sha256).execute()
}
