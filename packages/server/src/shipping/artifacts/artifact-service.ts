import { problem } from '@hotpatch/protocol'
import { type Clock, DAY_MS } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { checkArchive, type ArchiveLimits, type CheckedArchive } from './archive-check.ts'
import {
  deleteExpiredArtifacts,
  findArtifact,
  insertArtifact,
  keepArtifactForGood,
  listArtifactKeys,
  type ArtifactRow,
} from './artifact-store.ts'
import type { SpooledUpload, UploadSpool } from './upload-spool.ts'

export const ARCHIVE_CONTENT_TYPE = 'application/zip'

/** An upload that was checked and is not stored yet. */
export interface ReceivedArchive extends SpooledUpload, CheckedArchive {}

/** Bytes that are a release's content. */
export type ArtifactContent = Pick<ReceivedArchive, 'sha256' | 'sizeBytes' | 'fileCount'>

/** What an upload may be. */
export interface BundleLimits {
  maxBytes: number
  maxUnpackedBytes: number
  maxFiles: number
}

export type ArtifactService = ReturnType<typeof createArtifactService>

const SWEEP_BATCH = 500
/** How long an upload waits for its release. */
const UPLOAD_WAITS_MS = DAY_MS

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
  function register(tx: Connection, archive: ReceivedArchive): Promise<void> {
    return insertArtifact(tx, rowOf(archive, null))
  }

  function rowOf({ sha256, sizeBytes, fileCount }: ArtifactContent, keptUntil: number | null) {
    return {
      sha256,
      size_bytes: sizeBytes,
      content_type: ARCHIVE_CONTENT_TYPE,
      created_at: clock.now(),
      file_count: fileCount,
      kept_until: keptUntil,
    }
  }

  /**
   * Takes bytes before the release that they are for: how long they are on their way then matters to nobody else.
   * @throws problem hash-mismatch, and those of `receiveArchive`
   */
  async function upload(stream: AsyncIterable<Uint8Array>, sha256: string): Promise<ArtifactContent> {
    const archive = await receiveArchive(stream)
    try {
      if (archive.sha256 !== sha256) {
        throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${sha256}, received ${archive.sha256}.`)
      }
      await keep(archive)
      await insertArtifact(db, rowOf(archive, clock.now() + UPLOAD_WAITS_MS))
      return contentOf(rowOf(archive, null))
    } finally {
      await archive.discard()
    }
  }

  /** Undefined as well when the bytes were lost or cut since: then they are to be uploaded again. */
  async function find(sha256: string): Promise<ArtifactContent | undefined> {
    const row = await findArtifact(db, sha256)
    const object = row && (await storage.stat(sha256))
    return row && object?.sizeBytes === row.size_bytes ? contentOf(row) : undefined
  }

  /**
   * For a release of bytes that were uploaded before, in its transaction.
   * @throws problem artifact-missing
   */
  async function claim(tx: Connection, { sha256 }: ArtifactContent): Promise<void> {
    if (!(await keepArtifactForGood(tx, sha256))) throw artifactMissing(sha256)
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
    await deleteExpiredArtifacts(db, clock.now())
    for await (const { key, modifiedAt } of storage.list()) {
      if (modifiedAt >= unmodifiedSince) continue
      batch.push(key)
      if (batch.length === SWEEP_BATCH) await sweepBatch()
    }
    if (batch.length > 0) await sweepBatch()
    await storage.removeLeftovers(unmodifiedSince)
    return orphans
  }

  return { receiveArchive, keep, register, upload, find, claim, sweepOrphans }
}

function contentOf(row: Pick<ArtifactRow, 'sha256' | 'size_bytes' | 'file_count'>): ArtifactContent {
  return { sha256: row.sha256, sizeBytes: row.size_bytes, fileCount: row.file_count }
}

export function artifactMissing(sha256: string) {
  return problem('artifact-missing', `There are no bytes with the SHA-256 ${sha256}: upload them first.`)
}
