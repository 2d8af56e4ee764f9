import type { FastifyBaseLogger } from 'fastify'
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

export interface MakerParts {
  storage: StorageDriver
  spool: UploadSpool
  artifacts: ArtifactService
  log: FastifyBaseLogger
}

/** Makes something of stored bytes by a thread that knows nothing but files. */
export function createMaker({ storage, spool, artifacts, log }: MakerParts) {
  /**
   * Undefined when nothing can be made of them: what is lost or damaged is not tried again either.
   * @param ask makes it of a file with these bytes, and puts what comes of it, if any, into another one
   */
  async function make<Answer extends Made>(
    from: SourceBytes,
    ask: (files: { source: string; target: string }) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const source = await copy(from)
    if (!source) return undefined
    const target = await (await spool.begin()).finish()
    try {
      const made = await ask({ source: source.path, target: target.path })
      if (made.bytes) await artifacts.keep([{ ...made.bytes, path: target.path }])
      return made
    } finally {
      await source.discard()
      await target.discard()
    }
  }

  /** Undefined when they are not what they were. */
  async function copy({ sha256, sizeBytes }: SourceBytes): Promise<SpooledUpload | undefined> {
    const stream = await storage.open(sha256)
    if (!stream) return undefined
    const part = await spool.begin()
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        if (part.sizeBytes() + chunk.length > sizeBytes) break
        await part.write(chunk)
      }
      const copied = await part.finish()
      if (copied.sha256 === sha256) return copied
    } catch (error) {
      await part.discard()
      throw error
    }
    await part.discard()
    log.warn({ sha256 }, 'stored bytes are not those that they were, and stay as they are')
    return undefined
  }

  return { make }
}
