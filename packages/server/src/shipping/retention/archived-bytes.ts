import type { Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { letArtifactsGo } from '../artifacts/let-artifacts-go.ts'
import {
  deleteMade,
  giveBack,
  listKeysOf,
  listNeeded,
  listPastKeeping,
  markBytesRemoved,
  takeBytes,
} from './archived-bytes-store.ts'

/** Of one sweep; the next goes on. */
const MAX_RELEASES = 100
const BATCH = 1_000

export interface LeftBytes {
  releases: number
  artifacts: number
}

/**
 * Lets the bytes of archived releases go when their app no longer keeps them. The release stays, with what was signed of
 * it, its digests and sizes, and so do other releases that have the same bytes. The bytes themselves go with the sweep of
 * what nothing refers to.
 */
export function createArchivedBytes({ db, clock }: { db: Database; clock: Clock }) {
  async function sweep(): Promise<LeftBytes> {
    const left: LeftBytes = { releases: 0, artifacts: 0 }
    for (const { id } of await listPastKeeping(db, clock.now(), MAX_RELEASES)) {
      const taken = await db.transaction().execute((tx) => letGo(tx, id))
      if (taken === undefined) continue
      left.releases += 1
      left.artifacts += taken
    }
    return left
  }

  /** @returns how many artifacts have no bytes from now on; undefined: another server did it */
  async function letGo(tx: Connection, releaseId: string): Promise<number | undefined> {
    const now = clock.now()
    if (!(await markBytesRemoved(tx, releaseId, now))) return undefined
    const keys = await listKeysOf(tx, releaseId)
    let count = 0
    for (let start = 0; start < keys.length; start += BATCH) {
      const taken = await takeBytes(tx, keys.slice(start, start + BATCH), now)
      if (taken.length === 0) continue
      const needed = new Set(await listNeeded(tx, taken, now))
      await giveBack(tx, [...needed])
      const gone = taken.filter((key) => !needed.has(key))
      if (gone.length === 0) continue
      await letArtifactsGo(tx, await deleteMade(tx, gone, now), now)
      count += gone.length
    }
    return count
  }

  return { sweep }
}
