import { problem } from '@hotpatch/protocol'
import { type Clock, DAY_MS } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import {
  deleteExpiredArtifacts,
  findArtifact,
  insertArtifact,
  keepArtifactForGood,
  listArtifactKeys,
  type ArtifactRow,
} from './artifact-store.ts'

/** Bytes and what was found of them. */
export interface CheckedArtifact {
  sha256: string
  sizeBytes: number
  contentType: string
  /** JSON of the kind of content that they were checked as. */
  facts: string
}

export type ArtifactService = ReturnType<typeof createArtifactService>

const SWEEP_BATCH = 500
/** How long an upload waits for its release. */
const UPLOAD_WAITS_MS = DAY_MS

export function createArtifactService({ db, storage, clock }: { db: Database; storage: StorageDriver; clock: Clock }) {
  /** Makes the bytes durable. The row comes later, and within the age that `sweepOrphans` is called with. */
  function keep({ sha256, path, sizeBytes }: { sha256: string; path: string; sizeBytes: number }): Promise<void> {
    return storage.put(sha256, { path, sizeBytes })
  }

  /** Writes the row of what was kept, in the transaction that first refers to it. */
  function register(tx: Connection, artifact: CheckedArtifact): Promise<void> {
    return insertArtifact(tx, rowOf(artifact, null))
  }

  /** Of what was kept and waits for its release. */
  function hold(artifact: CheckedArtifact): Promise<void> {
    return insertArtifact(db, rowOf(artifact, clock.now() + UPLOAD_WAITS_MS))
  }

  function rowOf({ sha256, sizeBytes, contentType, facts }: CheckedArtifact, keptUntil: number | null) {
    return {
      sha256,
      size_bytes: sizeBytes,
      content_type: contentType,
      created_at: clock.now(),
      facts,
      kept_until: keptUntil,
    }
  }

  /** Undefined as well when the bytes were lost or cut since: then they are to be uploaded again. */
  async function find(sha256: string): Promise<CheckedArtifact | undefined> {
    const row = await findArtifact(db, sha256)
    const object = row && (await storage.stat(sha256))
    return row && object?.sizeBytes === row.size_bytes ? asArtifact(row) : undefined
  }

  /**
   * For a release of bytes that were uploaded before, in its transaction.
   * @throws problem artifact-missing
   */
  async function claim(tx: Connection, sha256: string): Promise<void> {
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

  return { keep, register, hold, find, claim, sweepOrphans }
}

function asArtifact(row: ArtifactRow): CheckedArtifact {
  return { sha256: row.sha256, sizeBytes: row.size_bytes, contentType: row.content_type, facts: row.facts }
}

export function artifactMissing(sha256: string) {
  return problem('artifact-missing', `There are no bytes with the SHA-256 ${sha256}: upload them first.`)
}
