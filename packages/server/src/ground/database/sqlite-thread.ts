import { problem } from '@hotpatch/protocol'
import { Worker } from 'node:worker_threads'
import { scriptBeside } from '../script-beside.ts'

export interface ReadRequest {
  id: number
  sql: string
  parameters: readonly unknown[]
}
export interface ReadAnswer {
  id: number
  rows?: unknown[]
  error?: { message: string; stack: string | undefined; code: unknown; errcode: unknown }
}

export interface ReadThreadOptions {
  /** Of an SQLite file that exists. */
  path: string
  /** From asking to the last row, in milliseconds. */
  timeoutMs?: number
  /** Queries that run or wait; one more is refused. */
  maxWaiting?: number
  script?: URL
}

export type ReadThread = ReturnType<typeof createReadThread>

const TIMEOUT_MS = 30_000
const MAX_WAITING = 100

interface Waiting {
  resolve(rows: unknown[]): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/**
 * Reads an SQLite file in a thread of its own, so that a query of a second does not hold up whoever asks.
 * The thread starts with the first query; one that died is replaced at the next.
 */
export function createReadThread({
  path,
  timeoutMs = TIMEOUT_MS,
  maxWaiting = MAX_WAITING,
  script = scriptBeside(import.meta.url, 'sqlite-thread-worker'),
}: ReadThreadOptions) {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  /** Set while a thread comes to its end: SQLite cannot be interrupted, so there is no other beside it until then. */
  let ending: Promise<void> | undefined
  let lastId = 0
  let isClosed = false

  /** @throws problem unavailable when it takes too long, or too many wait */
  function query(sql: string, parameters: readonly unknown[]): Promise<unknown[]> {
    if (isClosed) return Promise.reject(new Error('The thread that reads the database is closed.'))
    if (ending) return Promise.reject(problem('unavailable', 'A query that took too long is still being ended.'))
    if (waiting.size >= maxWaiting) {
      return Promise.reject(problem('unavailable', `${maxWaiting} queries wait already.`, { retryAfterSeconds: 5 }))
    }
    worker ??= start()
    const id = ++lastId
    const answer = Promise.withResolvers<unknown[]>()
    const timer = setTimeout(() => void giveUp(), timeoutMs)
    waiting.set(id, { ...answer, timer })
    worker.postMessage({ id, sql, parameters } satisfies ReadRequest)
    return answer.promise
  }

  function start(): Worker {
    const started = new Worker(script, { workerData: { path } })
    // It is no reason for the process to live on.
    started.unref()
    let crash: Error | undefined
    started.on('message', settle)
    started.on('error', (error: Error) => {
      crash = error
    })
    started.on('exit', (code) => {
      if (worker !== started) return
      worker = undefined
      rejectAll(crash ?? new Error(`The thread that reads the database ended with code ${code}.`))
    })
    return started
  }

  function settle({ id, rows, error }: ReadAnswer): void {
    const asked = waiting.get(id)
    if (!asked) return
    waiting.delete(id)
    clearTimeout(asked.timer)
    if (error) asked.reject(Object.assign(new Error(error.message), error))
    else asked.resolve(rows ?? [])
  }

  /** The first that waited too long is the one that runs: those behind it would wait for it. */
  async function giveUp(): Promise<void> {
    const seconds = timeoutMs / 1000
    const detail = `The query took longer than ${seconds} s and was given up. Ask for a shorter time, or larger buckets.`
    await end(problem('unavailable', detail))
  }

  async function end(reason: Error): Promise<void> {
    const ended = worker
    worker = undefined
    rejectAll(reason)
    if (!ended) return
    ending = ended.terminate().then(() => undefined)
    await ending
    ending = undefined
  }

  function rejectAll(reason: Error): void {
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer)
      reject(reason)
    }
    waiting.clear()
  }

  /** What is asked and not answered is rejected. */
  async function close(): Promise<void> {
    isClosed = true
    await (ending ?? end(new Error('The thread that reads the database is closed.')))
  }

  return { query, close }
}
