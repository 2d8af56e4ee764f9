import { Worker } from 'node:worker_threads'
import { elapsedOn, type Clock } from '../../../ground/clock.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { writeFleetBatch } from './batch-store.ts'
import type { FleetBatch } from './fleet-batch.ts'
import type { Log } from '../../../ground/log.ts'
import { scriptBeside } from '../../../ground/script-beside.ts'

/** Where batches go. A batch that was written, or half written, may be written again. */
export interface FleetWriter {
  write(batch: FleetBatch): Promise<void>
  close(): Promise<void>
}

export interface WriteRequest {
  id: number
  batch: FleetBatch
}
export interface WriteAnswer {
  id: number
  error?: { message: string; stack: string | undefined; code: unknown; errcode: unknown }
}

/** Over a connection that does not block this thread, or in tests. Closing it leaves the connection open. */
export function createFleetWriter({ db }: { db: Database }): FleetWriter {
  return { write: (batch) => writeFleetBatch(db, batch), close: () => Promise.resolve() }
}

const MIN_RESTART_MS = 100
const MAX_RESTART_MS = 5_000

/**
 * A thread with its own connection to an SQLite file, which blocks the thread that it runs in.
 * A thread that dies is replaced at the next write, not more often than a growing pause allows.
 */
export function createFleetWriterThread({
  path,
  clock,
  log,
  script = scriptBeside(import.meta.url, 'fleet-writer-worker'),
}: {
  path: string
  clock: Clock
  log: Log
  script?: URL
}): FleetWriter {
  let thread: WriterThread | undefined
  let crashes = 0
  let restartAt = -Infinity
  let isClosed = false

  async function write(batch: FleetBatch): Promise<void> {
    if (isClosed) throw new Error('The fleet writer is closed.')
    if (!thread && elapsedOn(clock) < restartAt) throw new Error('The fleet writer died and starts again in a moment.')
    thread ??= startThread(script, path, died)
    await thread.write(batch)
    crashes = 0
  }

  function died(error: Error): void {
    thread = undefined
    if (isClosed) return
    restartAt = elapsedOn(clock) + Math.min(MIN_RESTART_MS * 2 ** crashes++, MAX_RESTART_MS)
    log.error({ err: error }, 'the thread that writes the fleet died; it is started again')
  }

  async function close(): Promise<void> {
    isClosed = true
    await thread?.close()
  }

  return { write, close }
}

type WriterThread = ReturnType<typeof startThread>

function startThread(script: URL, path: string, died: (error: Error) => void) {
  const worker = new Worker(script, { workerData: { path } })
  const waiting = new Map<number, PromiseWithResolvers<void>>()
  const exited = Promise.withResolvers<void>()
  let lastId = 0
  let crash: Error | undefined

  worker.on('message', ({ id, error }: WriteAnswer) => {
    const answer = waiting.get(id)
    waiting.delete(id)
    if (error) answer?.reject(Object.assign(new Error(error.message), error))
    else answer?.resolve()
  })
  worker.on('error', (error: Error) => {
    crash = error
  })
  worker.on('exit', (code) => {
    const error = crash ?? new Error(`The thread that writes the fleet ended with code ${code}.`)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    died(error)
    exited.resolve()
  })

  function write(batch: FleetBatch): Promise<void> {
    const answer = Promise.withResolvers<void>()
    const id = ++lastId
    waiting.set(id, answer)
    worker.postMessage({ id, batch } satisfies WriteRequest)
    return answer.promise
  }

  /** After the writes that were asked for. */
  async function close(): Promise<void> {
    worker.postMessage('close')
    await exited.promise
  }

  return { write, close }
}
