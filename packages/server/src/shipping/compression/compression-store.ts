import type { Connection } from '../../ground/database/schema.ts'

/** Larger ones are neither read into memory nor worth the time. */
const MAX_BYTES = 16 * 1024 * 1024

export interface AwaitingArtifact {
  sha256: string
  sizeBytes: number
}

/** Newest first; of those that wait for their release nobody knows whether it comes. */
export async function listAwaiting(db: Connection, limit: number): Promise<AwaitingArtifact[]> {
  const rows = await db
    .selectFrom('artifact')
    .select(['sha256', 'size_bytes'])
    .where('awaits_compression', '=', 1)
    .where('kept_until', 'is', null)
    .where('size_bytes', '<=', MAX_BYTES)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ sha256, size_bytes }) => ({ sha256, sizeBytes: size_bytes }))
}

export async function markTried(tx: Connection, keys: readonly string[]): Promise<void> {
  await tx.updateTable('artifact').set({ awaits_compression: 0 }).where('sha256', 'in', keys).execute()
}
