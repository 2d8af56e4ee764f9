import { Problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart, type ArtifactService } from '../artifacts/artifact-service.ts'
import type { UploadSpool } from '../artifacts/upload-spool.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'
import {
  BROTLI,
  insertVariants,
  listAwaiting,
  listReleasesWith,
  markTried,
  type AwaitingArtifact,
} from './compression-store.ts'

export interface CompressionQuestion {
  source: string
  /** Where to write what comes of it. */
  target: string
  sha256: string
}
export type CompressionAnswer = ReceivedBytes | null

/** What becomes visible at once: each time the catalogs of its releases are compiled anew. */
const BATCH = 40

/**
 * Content §8: files of releases, compressed once and for all, in a thread of its own, newest first. What is left to do
 * stands in the database: whoever starts goes on with it. Two servers may make the same twice.
 */
export function createCompression({
  db,
  storage,
  spool,
  artifacts,
  changes,
  raiseReleases,
  clock,
  log,
}: {
  db: Database
  storage: StorageDriver
  spool: UploadSpool
  artifacts: ArtifactService
  changes: Changes
  /** Catalogs have something new of them. */
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  clock: Clock
  log: FastifyBaseLogger
}) {
  const thread = keepThread<CompressionQuestion, CompressionAnswer>({
    does: 'compresses files',
    script: scriptBeside(import.meta.url, 'compression-worker'),
    workerData: null,
    isDaemon: true,
  })
  let working: Promise<void> | undefined
  let isAskedAgain = false
  let isStopped = false

  /** There may be something to do. */
  function wake(): void {
    isAskedAgain = true
    if (isStopped) return
    working ??= work().finally(() => {
      working = undefined
      if (isAskedAgain) wake()
    })
  }

  async function work(): Promise<void> {
    isAskedAgain = false
    try {
      while (await workOnBatch());
    } catch (error) {
      isAskedAgain = false
      if (!isStopped)
        log.warn({ err: error }, 'files are not compressed for now; the next try is with the next publish')
    }
  }

  /** False when nothing is left. */
  async function workOnBatch(): Promise<boolean> {
    const awaiting = await listAwaiting(db, BATCH)
    const made: { of: string; bytes: ReceivedBytes }[] = []
    const tried: string[] = []
    for (const artifact of awaiting) {
      if (isStopped) break
      const bytes = await compress(artifact)
      if (isStopped) break
      tried.push(artifact.sha256)
      if (bytes) made.push({ of: artifact.sha256, bytes })
    }
    if (tried.length > 0) await record(made, tried)
    return !isStopped && awaiting.length > 0
  }

  /** Undefined when nothing came of it: what is lost or damaged is not tried again either. */
  async function compress({ sha256, sizeBytes }: AwaitingArtifact): Promise<ReceivedBytes | undefined> {
    const stream = await storage.open(sha256)
    if (!stream) return undefined
    const source = await spool.receive(stream, { maxBytes: sizeBytes }).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error
      log.warn({ err: error, sha256 }, 'a stored file is longer than it was, and stays as it is')
      return undefined
    })
    if (!source) return undefined
    const target = await (await spool.begin()).finish()
    try {
      if (source.sha256 !== sha256) throw new Error(`Expected the bytes ${sha256} in the storage, found others.`)
      const bytes = await thread.ask({ source: source.path, target: target.path, sha256 })
      if (bytes) await artifacts.keep([{ ...bytes, path: target.path }])
      return bytes ?? undefined
    } catch (error) {
      if (!isStopped) log.warn({ err: error, sha256 }, 'a file could not be compressed, and stays as it is')
      return undefined
    } finally {
      await source.discard()
      await target.discard()
    }
  }

  async function record(made: readonly { of: string; bytes: ReceivedBytes }[], tried: readonly string[]) {
    await changes.run(async (tx, change) => {
      await markTried(tx, tried)
      if (made.length === 0) return
      const rows = made.map(({ bytes }) => asPart(bytes))
      await artifacts.register(tx, rows)
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
      await raiseReleases(
        tx,
        change,
        await listReleasesWith(
          tx,
          made.map(({ of }) => of),
        ),
      )
    })
  }

  /** In the middle of what it does: the next start goes on. */
  async function stop(): Promise<void> {
    isStopped = true
    await thread.closeNow()
    await working
  }

  return { wake, stop }
}
