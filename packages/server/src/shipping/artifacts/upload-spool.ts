import { createHash, randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { problem } from '@hotpatch/protocol'
import { type Clock, HOUR_MS } from '../../ground/clock.ts'
import { isFull, noRoom } from './no-room.ts'

export interface SpooledUpload {
  path: string
  sha256: string
  /** In base64; undefined where nobody asked for it. */
  sha512: string | undefined
  sizeBytes: number
  /**
   * Has the disk begin with what storing the bytes waits for. Until the file is taken over.
   * @throws problem unavailable when the disk is full
   */
  flush(): Promise<void>
  /** Harmless when the file was taken over already. */
  discard(): Promise<void>
}

/** A file that is being filled, and hashed on the way. */
export interface SpoolPart {
  /** @throws problem unavailable when the disk is full */
  write(chunk: Uint8Array): Promise<void>
  sizeBytes(): number
  /** When all is written. */
  finish(): Promise<SpooledUpload>
  /** At any time, also after it was finished. */
  discard(): Promise<void>
}

export type UploadSpool = ReturnType<typeof createUploadSpool>

const HOST = hostname().replace(/[^\w.-]/g, '_')
const PART = /^(.+)-(\d+)-[0-9a-f-]{36}\.part$/
const ABANDONED_AFTER_MS = HOUR_MS

/** What this process is receiving. A restarted container has the same host name and process id as the one before. */
const receiving = new Set<string>()

/**
 * Receives uploads into files, in constant memory, hashing on the way. The files need not survive a power cut: nothing
 * refers to them before the storage driver has made them durable.
 */
export function createUploadSpool({
  directory,
  maxBytes,
  idleTimeoutMs,
  clock,
}: {
  directory: string
  maxBytes: number
  idleTimeoutMs: number
  clock: Clock
}) {
  /**
   * Leaves the stream alone when it fails: whoever answers the request may still have to read or close it.
   * @throws problem body-too-large, request-timeout, unavailable when the disk is full, or the stream's own error
   */
  async function receive(
    stream: AsyncIterable<Uint8Array>,
    limits: { maxBytes?: number; wantsSha512?: boolean } = {},
  ): Promise<SpooledUpload> {
    // A connection that breaks while nobody reads must not end the process. Reading tells the error.
    if (stream instanceof Readable) stream.on('error', () => undefined)
    const part = await begin({ wantsSha512: limits.wantsSha512 ?? false })
    try {
      await copy(stream, part, Math.min(maxBytes, limits.maxBytes ?? maxBytes))
      return await part.finish()
    } catch (error) {
      await part.discard()
      throw error
    }
  }

  async function copy(stream: AsyncIterable<Uint8Array>, part: SpoolPart, limit: number): Promise<void> {
    for await (const chunk of withIdleTimeout(stream, idleTimeoutMs)) {
      if (part.sizeBytes() + chunk.length > limit) {
        throw problem('body-too-large', `Expected at most ${limit} bytes, received more.`)
      }
      await part.write(chunk)
    }
  }

  /** A file of its own, as empty as can be. */
  async function begin({ wantsSha512 = false } = {}): Promise<SpoolPart> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const path = join(directory, `${HOST}-${process.pid}-${randomUUID()}.part`)
    receiving.add(path)
    const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
      receiving.delete(path)
      throw asProblem(error)
    })
    const hash = createHash('sha256')
    const longHash = wantsSha512 ? createHash('sha512') : undefined
    let sizeBytes = 0

    async function write(chunk: Uint8Array): Promise<void> {
      sizeBytes += chunk.length
      // A thread writes while this one hashes; the next chunk is asked for when both are done.
      const written = file.appendFile(chunk)
      hash.update(chunk)
      longHash?.update(chunk)
      await written.catch((error: unknown) => {
        throw asProblem(error)
      })
    }

    async function finish(): Promise<SpooledUpload> {
      await file.close()
      return { path, sha256: hash.digest('hex'), sha512: longHash?.digest('base64'), sizeBytes, flush, discard }
    }

    async function flush(): Promise<void> {
      const written = await open(path)
      try {
        await written.datasync()
      } catch (error) {
        throw asProblem(error)
      } finally {
        await written.close()
      }
    }

    async function discard(): Promise<void> {
      await file.close()
      await rm(path, { force: true })
      receiving.delete(path)
    }

    return { write, sizeBytes: () => sizeBytes, finish, discard }
  }

  /** Removes what dead processes of this host left at once, and what others did not touch for an hour. */
  async function sweepSpool(): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      if (PART.test(name) && !receiving.has(path) && (await isAbandoned(path, name))) await rm(path, { force: true })
    }
  }

  async function isAbandoned(path: string, name: string): Promise<boolean> {
    const [, host, pid] = PART.exec(name) ?? []
    if (host === HOST && (Number(pid) === process.pid || !isAlive(Number(pid)))) return true
    const stats = await lstat(path).catch(() => undefined) // gone: another process took it over
    return stats !== undefined && stats.mtimeMs < clock.now() - ABANDONED_AFTER_MS
  }

  return { receive, begin, sweepSpool }
}

async function* withIdleTimeout(stream: AsyncIterable<Uint8Array>, idleTimeoutMs: number) {
  // Destroying a request would close the connection, and the sender would never read why it was refused.
  const source = stream instanceof Readable ? stream.iterator({ destroyOnReturn: false }) : stream
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await nextWithin(iterator, idleTimeoutMs)
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not awaited: it waits for the chunk that does not come.
    iterator.return?.().catch(() => undefined)
  }
}

function nextWithin(iterator: AsyncIterator<Uint8Array>, idleTimeoutMs: number): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const onTimeout = () =>
      reject(problem('request-timeout', `Expected data within ${idleTimeoutMs} ms, received none.`))
    const timer = setTimeout(onTimeout, idleTimeoutMs)
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function asProblem(error: unknown): unknown {
  return isFull(error) ? noRoom(error) : error
}
