import { Problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock, Timers } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import type { ArtifactService } from '../artifacts/artifact-service.ts'
import type { SpooledUpload, UploadSpool } from '../artifacts/upload-spool.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'

/** Bytes that are stored. */
export interface SourceBytes {
  sha256: string
  sizeBytes: number
}

/** What was made, and whether bytes of it are in the file that it was given for them. */
interface Made {
  bytes?: ReceivedBytes | undefined
}

interface MakerParts {
  storage: StorageDriver
  spool: UploadSpool
  artifacts: ArtifactService
  log: Pick<FastifyBaseLogger, 'warn'>
}

/** What all that is made later is built of. */
export interface MakingParts extends MakerParts {
  db: Database
  changes: Changes
  /** Catalogs have something new of them. */
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  clock: Clock
  timers: Timers
}

/** Makes something of stored bytes by a thread that knows nothing but files. */
export function createMaker({ storage, spool, artifacts, log }: MakerParts) {
  /**
   * Undefined when nothing comes of it: what is lost or damaged is not tried again.
   * @param ask makes it of a file with these bytes, and puts what comes of it, if any, into another one
   * @throws when it cannot be done for now, as when the disk is full
   */
  async function make<Answer extends Made>(
    from: SourceBytes,
    ask: (files: { source: string; target: string }) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    return withCopy(from, (source) => makeAt((target) => ask({ source, target })))
  }

  /** The same of two: of what changed since `base`. */
  async function makeFromTwo<Answer extends Made>(
    from: SourceBytes,
    base: SourceBytes,
    ask: (files: { source: string; base: string; target: string }) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    return withCopy(from, (source) =>
      withCopy(base, (before) => makeAt((target) => ask({ source, base: before, target }))),
    )
  }

  /** @param use is given where the bytes are for as long as it takes */
  async function withCopy<Result>(
    from: SourceBytes,
    use: (path: string) => Promise<Result>,
  ): Promise<Result | undefined> {
    const copied = await copy(from)
    if (!copied) return undefined
    try {
      if (copied.sha256 === from.sha256) return await use(copied.path)
      log.warn({ expected: from.sha256, found: copied.sha256 }, 'a stored file has other bytes, and stays as it is')
      return undefined
    } finally {
      await copied.discard()
    }
  }

  /** Undefined when it was lost, or is longer than it was. */
  async function copy({ sha256, sizeBytes }: SourceBytes): Promise<SpooledUpload | undefined> {
    const stream = await storage.open(sha256)
    if (!stream) return undefined
    return spool
      .receive(stream, { maxBytes: sizeBytes })
      .catch((error: unknown) => {
        if (!(error instanceof Problem && error.type === 'body-too-large')) throw error
        log.warn({ err: error, sha256 }, 'a stored file is longer than it was, and stays as it is')
        return undefined
      })
      .finally(() => stream.destroy())
  }

  /** @param ask puts what comes of it, if any, where it is told to */
  async function makeAt<Answer extends Made>(ask: (target: string) => Promise<Answer>): Promise<Answer> {
    const target = await (await spool.begin()).finish()
    try {
      const made = await ask(target.path)
      if (made.bytes) await artifacts.keep([{ ...made.bytes, path: target.path }])
      return made
    } finally {
      await target.discard()
    }
  }

  return { make, makeFromTwo, makeAt }
}
