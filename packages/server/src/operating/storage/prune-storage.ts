import { HOUR_MS, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { listArtifactKeys } from '../../shipping/artifacts/artifact-store.ts'
import { judgeStorage } from '../../shipping/artifacts/own-storage.ts'
import { UsageError } from '../command/usage-error.ts'

const BATCH = 500
/** A publish puts bytes first, and writes down what they are for within a day. */
const MIN_AGE_HOURS = 24

export interface PruneResult {
  objects: number
  /** That nothing in the database refers to, and that are old enough. */
  orphans: number
  orphanBytes: number
  removed: number
}

/**
 * Removes what the database does not refer to, as the server does by itself every hour, and says before what that is.
 * A database that does not know a single artifact is another one, or an empty one: nothing is removed then.
 */
export async function pruneStorage({
  db,
  storage,
  clock,
  olderThanHours,
  isMeant,
}: {
  db: Database
  storage: StorageDriver
  clock: Clock
  olderThanHours: number
  /** Else it is only counted. */
  isMeant: boolean
}): Promise<PruneResult> {
  if (!(olderThanHours >= MIN_AGE_HOURS))
    throw new UsageError(
      `--older-than-hours: expected ${MIN_AGE_HOURS} or more, as a publish may take that long to write down what its bytes are for.`,
    )
  const unmodifiedSince = new Date(clock.now() - olderThanHours * HOUR_MS)
  const result: PruneResult = { objects: 0, orphans: 0, orphanBytes: 0, removed: 0 }
  const judged = await judgeStorage(db, storage)
  if (judged === 'foreign')
    throw new UsageError(
      'Expected a storage with artifacts of this database, found none of those that it refers to. Nothing was removed. ' +
        'Look at S3_BUCKET and S3_PREFIX, or at DATABASE_URL: one of them is of another server. "storage check" says what is missing.',
    )
  let batch = new Map<string, number>()

  for await (const { key, sizeBytes, modifiedAt } of storage.list()) {
    result.objects += 1
    if (judged === 'unknown')
      throw new UsageError(
        'Expected a database that refers to artifacts, found one without any beside a storage that has some. ' +
          'Nothing was removed. Look at DATABASE_URL and HOTPATCH_DATA: this may be another database.',
      )
    if (modifiedAt < unmodifiedSince) batch.set(key, sizeBytes)
    if (batch.size === BATCH) await takeBatch()
  }
  await takeBatch()
  return result

  /** Asked right before: what was referred to since is spared. */
  async function takeBatch(): Promise<void> {
    if (batch.size === 0) return
    const known = new Set(await listArtifactKeys(db, [...batch.keys()], clock.now()))
    const orphans = [...batch].filter(([key]) => !known.has(key))
    result.orphans += orphans.length
    result.orphanBytes += orphans.reduce((sum, [, sizeBytes]) => sum + sizeBytes, 0)
    batch = new Map()
    if (!isMeant || orphans.length === 0) return
    await storage.remove(
      orphans.map(([key]) => key),
      { unmodifiedSince },
    )
    result.removed += orphans.length
  }
}
