import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { createMaker, type MakerParts } from '../making/make-from-artifact.ts'
import { createWorkOff } from '../making/work-off.ts'
import { BROTLI, insertVariants, listAwaiting, markTried, type AwaitingArtifact } from './compression-store.ts'

export interface CompressionQuestion {
  source: string
  /** Where to write what comes of it. */
  target: string
  sha256: string
}
export interface CompressionAnswer {
  /** Undefined when it is not smaller enough to be worth it. */
  bytes: ReceivedBytes | undefined
}

/** What becomes visible at once: each time the catalogs of its releases are compiled anew. */
const BATCH = 40

/**
 * Content §8: files of releases, compressed once and for all, in a thread of its own, newest first. What is left to do
 * stands in the database: whoever starts goes on with it. Two servers may make the same twice.
 */
export function createCompression({
  db,
  changes,
  raiseReleases,
  clock,
  log,
  ...parts
}: MakerParts & {
  db: Database
  changes: Changes
  /** Catalogs have something new of them. */
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  clock: Clock
  log: FastifyBaseLogger
}) {
  const { artifacts } = parts
  const maker = createMaker({ ...parts, log })
  const thread = keepThread<CompressionQuestion, CompressionAnswer>({
    does: 'compresses files',
    script: scriptBeside(import.meta.url, 'compression-worker'),
    workerData: null,
    isDaemon: true,
  })
  const { wake, stop, isStopped } = createWorkOff({
    workOnBatch,
    onFailure: (error) =>
      log.warn({ err: error }, 'files are not compressed for now; the next try is with the next publish'),
  })

  async function workOnBatch(): Promise<boolean> {
    const awaiting = await listAwaiting(db, BATCH)
    const made: { of: string; bytes: ReceivedBytes }[] = []
    const tried: string[] = []
    for (const artifact of awaiting) {
      if (isStopped()) break
      const bytes = await compress(artifact)
      if (isStopped()) break
      tried.push(artifact.sha256)
      if (bytes) made.push({ of: artifact.sha256, bytes })
    }
    if (tried.length > 0) await record(made, tried)
    return awaiting.length > 0
  }

  /** Undefined when nothing came of it. */
  async function compress(artifact: AwaitingArtifact): Promise<ReceivedBytes | undefined> {
    const { sha256 } = artifact
    try {
      return (await maker.make(artifact, (files) => thread.ask({ ...files, sha256 })))?.bytes
    } catch (error) {
      if (!isStopped()) log.warn({ err: error, sha256 }, 'a file could not be compressed, and stays as it is')
      return undefined
    }
  }

  async function record(made: readonly { of: string; bytes: ReceivedBytes }[], tried: readonly string[]) {
    await changes.run(async (tx, change) => {
      await markTried(tx, tried)
      if (made.length === 0) return
      await artifacts.register(
        tx,
        made.map(({ bytes }) => asPart(bytes)),
      )
      await insertVariants(
        tx,
        made.map(({ of, bytes }) => ({
          sha256: of,
          variant_sha256: bytes.sha256,
          kind: 'compressed',
          algorithm: BROTLI,
          base_sha256: null,
          created_at: clock.now(),
        })),
      )
      const keys = made.map(({ of }) => of)
      await raiseReleases(tx, change, await listReleasesWith(tx, keys))
    })
  }

  return { wake, stop: () => stop(thread.closeNow) }
}
