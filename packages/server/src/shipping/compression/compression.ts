import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import { CODINGS, type Coding } from '../../ground/http/codings.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { createMaker, type MakingParts } from '../making/make-from-artifact.ts'
import { createWorkOff, type WorkedOff } from '../making/work-off.ts'
import { insertVariants } from '../artifacts/artifact-variant-queries.ts'
import { listAwaiting, markTried, type AwaitingArtifact } from './compression-store.ts'

export interface CompressionQuestion {
  source: string
  /** Where to write what comes of it. */
  target: string
  sha256: string
  coding: Coding
}
export interface CompressionAnswer {
  /** Undefined when it is not smaller enough to be worth it. */
  bytes: ReceivedBytes | undefined
}

interface Compressed {
  coding: Coding
  bytes: ReceivedBytes
}

/** What becomes visible at once: each time the catalogs of its releases are compiled anew. */
const BATCH = 40

/** Content §8: files of releases, compressed once and for all, in a thread of its own, newest first. */
export function createCompression({ db, changes, raiseReleases, clock, timers, ...parts }: MakingParts) {
  const { artifacts, log } = parts
  const maker = createMaker(parts)
  const thread = keepThread<CompressionQuestion, CompressionAnswer>({
    does: 'compresses files',
    script: scriptBeside(import.meta.url, 'compression-worker'),
    workerData: null,
    isDaemon: true,
  })
  const { wake, stop } = createWorkOff({
    does: 'compressed',
    batch: BATCH,
    list: (count) => listAwaiting(db, count),
    work: compress,
    record,
    timers,
    log,
  })

  /** What the first coding makes no smaller, the others do not either. */
  async function compress(artifact: AwaitingArtifact): Promise<Compressed[] | undefined> {
    const { sha256 } = artifact
    const compressed: Compressed[] = []
    for (const coding of CODINGS) {
      const made = await maker.make(artifact, (files) => thread.ask({ ...files, sha256, coding }))
      if (!made?.bytes) break
      compressed.push({ coding, bytes: made.bytes })
    }
    return compressed.length === 0 ? undefined : compressed
  }

  async function record(done: readonly WorkedOff<AwaitingArtifact, Compressed[]>[]): Promise<void> {
    const made = done.flatMap(({ item, result = [] }) => result.map((each) => ({ of: item.sha256, ...each })))
    await changes.run(async (tx, change) => {
      await markTried(
        tx,
        done.map(({ item }) => item.sha256),
      )
      if (made.length === 0) return
      await artifacts.register(
        tx,
        made.map(({ bytes }) => asPart(bytes)),
      )
      await insertVariants(
        tx,
        made.map(({ of, coding, bytes }) => ({
          sha256: of,
          variant_sha256: bytes.sha256,
          kind: 'compressed',
          algorithm: coding,
          base_sha256: null,
          created_at: clock.now(),
        })),
      )
      const keys = [...new Set(made.map(({ of }) => of))]
      await raiseReleases(tx, change, await listReleasesWith(tx, keys))
    })
  }

  return { wake, stop: () => stop(thread.closeNow) }
}
