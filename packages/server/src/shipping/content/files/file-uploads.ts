import type { AskedFiles } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import type { ArtifactService, CheckedArtifact } from '../../artifacts/artifact-service.ts'
import type { SpooledUpload, UploadSpool } from '../../artifacts/upload-spool.ts'
import type { ContentLimits, ReceivedBytes } from '../content-kind.ts'
import { MIN_COMPRESSED_BYTES } from '../file-types.ts'

/** One file of a batch. */
export interface SentFile {
  /** Undefined where nobody has told it: whatever it is. */
  sha256: string | undefined
  bytes: AsyncIterable<Uint8Array>
}

export type FileUploads = ReturnType<typeof createFileUploads>

/** How many become durable together: one transaction, and one wait for the disk for each. */
const KEPT_TOGETHER = 64

/** Single files, which wait for the manifest that lists them (Content §4.1). What they are, it says. */
export function createFileUploads({
  artifacts,
  spool,
  limits,
}: {
  artifacts: ArtifactService
  spool: UploadSpool
  limits: Pick<ContentLimits, 'maxBytes'>
}) {
  /** @throws problem hash-mismatch, body-too-large or request-timeout */
  async function upload(appId: string, { sha256, bytes }: SentFile): Promise<ReceivedBytes> {
    const received = await receive(sha256, bytes, limits.maxBytes)
    try {
      await keep(appId, [received])
      return { sha256: received.sha256, sizeBytes: received.sizeBytes }
    } finally {
      await received.discard()
    }
  }

  /**
   * Many in one request. What has arrived whole is kept, whatever comes of the others.
   * @throws problem as `upload`, and whatever the sender throws
   */
  async function uploadAll(
    appId: string,
    files: AsyncIterable<SentFile>,
    { maxBytes }: { maxBytes: number },
  ): Promise<ReceivedBytes[]> {
    const received: ReceivedBytes[] = []
    let waiting: SpooledUpload[] = []
    let left = maxBytes
    const keepWaiting = async () => {
      const kept = waiting
      waiting = []
      try {
        await keep(appId, kept)
      } finally {
        await Promise.all(kept.map((each) => each.discard()))
      }
    }
    try {
      for await (const { sha256, bytes } of files) {
        const file = await receive(sha256, bytes, Math.min(left, limits.maxBytes))
        left -= file.sizeBytes
        received.push({ sha256: file.sha256, sizeBytes: file.sizeBytes })
        waiting.push(file)
        if (waiting.length === KEPT_TOGETHER) await keepWaiting()
      }
    } finally {
      await keepWaiting()
    }
    return received
  }

  async function receive(
    sha256: string | undefined,
    bytes: AsyncIterable<Uint8Array>,
    maxBytes: number,
  ): Promise<SpooledUpload> {
    const received = await spool.receive(bytes, { maxBytes })
    if (sha256 === undefined || received.sha256 === sha256) return received
    await received.discard()
    throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${sha256}, received ${received.sha256}.`)
  }

  async function keep(appId: string, files: readonly SpooledUpload[]): Promise<void> {
    if (files.length === 0) return
    // Two files of a batch may be the same.
    const each = [...new Map(files.map((file) => [file.sha256, file])).values()]
    await artifacts.keep(each)
    await artifacts.hold(appId, each.map(asFile))
  }

  /** What the app would have to send. */
  async function listMissing(appId: string, files: AskedFiles['files']): Promise<AskedFiles['files']> {
    const missing = await artifacts.listMissing(appId, files)
    return missing.map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes }))
  }

  return { upload, uploadAll, listMissing }
}

/** Whether it is compressed already, the manifest says: nothing is tried before a release has it. */
function asFile({ sha256, sizeBytes }: SpooledUpload): CheckedArtifact {
  const awaitsCompression = sizeBytes >= MIN_COMPRESSED_BYTES
  return { sha256, sizeBytes, contentType: ANY_BYTES, facts: null, awaitsCompression }
}
