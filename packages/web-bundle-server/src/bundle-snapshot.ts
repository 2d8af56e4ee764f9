import { createHash } from 'node:crypto'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One build, as it was when it was verified: whatever becomes of the folder since, these bytes stay. */
export interface BundleSnapshot {
  readonly version: string
  readonly minNativeVersion: string
  /** Lower-case hex SHA-256 of the zip. */
  readonly checksum: string
  readonly sizeBytes: number
  /** Base64 of an Ed25519 signature over the 32 bytes of the checksum. */
  readonly signature: string | undefined
  /** The bytes from `start` to `end`, both included. The copy stays until they were read, or the reading was ended. */
  read(range: { start: number; end: number }): AsyncGenerator<Buffer>
  /** Its copy goes as soon as nobody reads it any more. */
  discard(): void
}

/** The verified copy of a zip, in a place that nobody else writes to. */
export interface VerifiedCopy {
  checksum: string
  sizeBytes: number
  read: BundleSnapshot['read']
  discard(): void
}

const CHUNK_BYTES = 1024 * 1024
/** Held for each download at a time. */
const SENT_BYTES = 64 * 1024

/**
 * Copies and hashes at once, so what is served later is what was hashed.
 * @throws when the temporary folder cannot be written
 */
export async function copyAndHash(source: FileHandle, temporaryDirectory = tmpdir()): Promise<VerifiedCopy> {
  const directory = await mkdtemp(join(temporaryDirectory, 'web-bundle-'))
  const path = join(directory, 'bundle.zip')
  const copy = await open(path, 'wx+', 0o600).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true }).catch(() => {})
    throw error
  })
  try {
    const { checksum, sizeBytes } = await copyInto(copy, source)
    // Its name goes at once where the system allows that, so that nothing stays behind, however this process ends.
    await rm(directory, { recursive: true, force: true }).catch(() => {})
    return { checksum, sizeBytes, ...keepOpen(copy, directory) }
  } catch (error) {
    await copy.close()
    await rm(directory, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

async function copyInto(copy: FileHandle, source: FileHandle) {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let sizeBytes = 0
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, sizeBytes)
    if (bytesRead === 0) return { checksum: hash.digest('hex'), sizeBytes }
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    // A disk that is nearly full takes less than it is given, and says no only at the next try.
    for (let written = 0; written < bytesRead;) {
      const { bytesWritten } = await copy.write(chunk, written, bytesRead - written, sizeBytes + written)
      written += bytesWritten
    }
    sizeBytes += bytesRead
  }
}

function keepOpen(copy: FileHandle, directory: string): Pick<VerifiedCopy, 'read' | 'discard'> {
  let readers = 0
  let isDiscarded = false

  function closeWhenUnread(): void {
    if (!isDiscarded || readers > 0) return
    void copy
      .close()
      .then(() => rm(directory, { recursive: true, force: true }))
      .catch(() => {})
  }

  /** A stream of the file itself would close it at its end. */
  async function* chunks(start: number, end: number) {
    // Not before somebody reads: what never begins never ends, either.
    readers += 1
    try {
      for (let at = start; at <= end;) {
        const length = Math.min(SENT_BYTES, end + 1 - at)
        const { buffer, bytesRead } = await copy.read(Buffer.allocUnsafe(length), 0, length, at)
        if (bytesRead === 0) throw new Error('the copy is shorter than it was')
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      readers -= 1
      closeWhenUnread()
    }
  }

  return {
    read: ({ start, end }) => chunks(start, end),
    discard() {
      if (isDiscarded) return
      isDiscarded = true
      closeWhenUnread()
    },
  }
}
