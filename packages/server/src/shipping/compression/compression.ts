import { Problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import { HOUR_MS, MINUTE_MS, type CancelTimer, type Clock, type Timers } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart, type ArtifactService } from '../artifacts/artifact-service.ts'
import type { SpooledUpload, UploadSpool } from '../artifacts/upload-spool.ts'
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

/** What fails may be the disk's or the storage's fault: after a minute it is tried again, then after twice as long. */
const FIRST_WAIT_MS = MINUTE_MS
const LONGEST_WAIT_MS = HOUR_MS
/** When so many fail it is none of the files, and the others have time until the next try. */
const MAX_FAILING = 100

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
  timers,
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
  timers: Timers
  log: Pick<FastifyBaseLogger, 'warn'>
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
  let waitMs = FIRST_WAIT_MS
  let cancelRetry: CancelTimer = () => undefined

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
    cancelRetry()
    const failing = new Set<string>()
    try {
      while (await workOnBatch(failing));
      if (failing.size === 0) waitMs = FIRST_WAIT_MS
      else tryLater()
    } catch (error) {
      isAskedAgain = false
      if (!isStopped) log.warn({ err: error }, 'files are not compressed for now; it is tried again')
      tryLater()
    }
  }

  function tryLater(): void {
    if (isStopped) return
    cancelRetry = timers.after(waitMs, wake)
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)
  }

  /**
   * False when nothing is left.
   * @param failing those that this round could not do: they hold up no others
   */
  async function workOnBatch(failing: Set<string>): Promise<boolean> {
    const waiting = await listAwaiting(db, BATCH + failing.size)
    const awaiting = waiting.filter(({ sha256 }) => !failing.has(sha256))
    const made: { of: string; bytes: ReceivedBytes }[] = []
    const tried: string[] = []
    for (const artifact of awaiting) {
      if (isStopped) break
      const bytes = await tryToCompress(artifact)
      if (isStopped) break
      if (bytes === 'failed') {
        failing.add(artifact.sha256)
        continue
      }
      tried.push(artifact.sha256)
      if (bytes) made.push({ of: artifact.sha256, bytes })
    }
    if (tried.length > 0) await record(made, tried)
    return !isStopped && awaiting.length > 0 && failing.size < MAX_FAILING
  }

  async function tryToCompress(artifact: AwaitingArtifact): Promise<ReceivedBytes | 'failed' | undefined> {
    try {
      return await compress(artifact)
    } catch (error) {
      if (!isStopped) log.warn({ err: error, sha256: artifact.sha256 }, 'a file is not compressed for now')
      return 'failed'
    }
  }

  /** Undefined when nothing comes of it: what does not shrink, is lost or damaged is not tried again. */
  async function compress({ sha256, sizeBytes }: AwaitingArtifact): Promise<ReceivedBytes | undefined> {
    const stream = await storage.open(sha256)
    if (!stream) return undefined
    const source = await spool
      .receive(stream, { maxBytes: sizeBytes })
      .catch((error: unknown) => {
        if (!(error instanceof Problem && error.type === 'body-too-large')) throw error
        log.warn({ err: error, sha256 }, 'a stored file is longer than it was, and stays as it is')
        return undefined
      })
      .finally(() => stream.destroy())
    if (!source) return undefined
    try {
      if (source.sha256 === sha256) return await pack(source)
      log.warn({ expected: sha256, found: source.sha256 }, 'a stored file has other bytes, and stays as it is')
      return undefined
    } finally {
      await source.discard()
    }
  }

  async function pack({ path, sha256 }: SpooledUpload): Promise<ReceivedBytes | undefined> {
    const target = await (await spool.begin()).finish()
    try {
      const bytes = await thread.ask({ source: path, target: target.path, sha256 })
      if (!bytes) return undefined
      await artifacts.keep([{ ...bytes, path: target.path }])
      return bytes
    } finally {
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
    cancelRetry()
    await thread.closeNow()
    await working
  }

  return { wake, stop }
}
