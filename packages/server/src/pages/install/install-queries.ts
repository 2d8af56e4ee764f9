import { timestamp } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'

/** When each was published, ISO 8601. */
export async function listPublishTimes(
  db: Connection,
  releaseIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.selectFrom('release').select(['id', 'created_at']).where('id', 'in', releaseIds).execute()
  return new Map(rows.map(({ id, created_at: at }) => [id, timestamp(at)]))
}
