import type { Clock } from '../clock.ts'
import type { Connection, Database } from '../database/schema.ts'
import type { StorageDriver } from '../storage/storage-driver.ts'
import { checkArchive, type ArchiveLimits, type CheckedArchive } from './archive-check.ts'
import { insertArtifact, listArtifactKeys } from './artifact-store.ts'
import type { SpooledUpload, UploadSpool } from './upload-spool.ts'

export const ARCHIVE_CONTENT_TYPE = 'application/zip'

/** An upload that was checked and is not stored yet. */
export interface ReceivedArchive extends SpooledUpload, CheckedArchive {}

export type ArtifactService = ReturnType<typeof createArtifactService>

const SWEEP_BATCH = 500

export function createArtifactService({
  db,
  storage,
  spool,
  limits,
  clock,
}: {
  db: Database
  storage: StorageDriver
  spool: UploadSpool
  limits: ArchiveLimits
  clock: Clock
}) {
  /**
   * The upload is the caller's to `discard`, whatever happens after this.
   * @throws problem invalid-archive, body-too-large, request-timeout
   */
  async function receiveArchive(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ReceivedArchive> {
    const upload = await spool.receive(stream)
    try {
      return { ...upload, ...(await checkArchive(upload.path, limits, signal)) }
    } catch (error) {
      await upload.discard()
      throw error
    }
  }

  /** Makes the bytes durable. The row comes later, and within the age that `sweepOrphans` is called with. */
  function keep({ sha256, path, sizeBytes }: ReceivedArchive): Promise<void> {
    return storage.put(sha256, { path, sizeBytes })
  }

  /** Writes the row of an archive that was kept, in the transaction that first refers to it. */
  function register(tx: Connection, { sha256, sizeBytes }: ReceivedArchive): Promise<void> {
    const row = { sha256, size_bytes: sizeBytes, content_type: ARCHIVE_CONTENT_TYPE, created_at: clock.now() }
    return insertArtifact(tx, row)
  }

  /**
   * Removes objects that no row refers to: uploads of which the last step never came. One that may still be on its way
   * is safe, because `put` makes an object count as new also when it existed, and only those older than the age go.
   * A database that does not answer ends the sweep: nothing is removed on a guess.
   * @returns how many objects had no row
   */
  async function sweepOrphans({ olderThanMs }: { olderThanMs: number }): Promise<number> {
    const unmodifiedSince = new Date(clock.now() - olderThanMs)
    let orphans = 0
    let batch: string[] = []
    const sweepBatch = async () => {
      const known = new Set(await listArtifactKeys(db, batch))
      const unknown = batch.filter((key) => !known.has(key))
      await storage.remove(unknown, { unmodifiedSince })
      orphans += unknown.length
      batch = []
    }
    for await (const { key, modifiedAt } of storage.list()) {
      if (modifiedAt >= unmodifiedSince) continue
      batch.push(key)
      if (batch.length === SWEEP_BATCH) await sweepBatch()
    }
    if (batch.length > 0) await sweepBatch()
    await storage.removeLeftovers(unmodifiedSince)
    return orphans
  }

  return { receiveArchive, keep, register, sweepOrphans }
}
