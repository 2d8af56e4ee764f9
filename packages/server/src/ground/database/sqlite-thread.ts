import { problem } from '@hotpatch/protocol'
import { keepThread } from '../threads/keep-thread.ts'
import { scriptBeside } from '../threads/script-beside.ts'

export interface ReadQuestion {
  sql: string
  parameters: readonly unknown[]
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
  const thread = keepThread<ReadQuestion, unknown[]>({
    does: 'reads the database',
    script,
    workerData: { path },
    isDaemon: true,
  })
  /** Set while a thread comes to its end: SQLite cannot be interrupted, so there is no other beside it until then. */
  let ending: Promise<void> | undefined

  /** @throws problem unavailable when it takes too long, or too many wait */
  async function query(sql: string, parameters: readonly unknown[]): Promise<unknown[]> {
    if (ending) throw problem('unavailable', 'A query that took too long is still being ended.')
    if (thread.countWaiting() >= maxWaiting) {
      throw problem('unavailable', `${maxWaiting} queries wait already.`, { retryAfterSeconds: 5 })
    }
    const timer = setTimeout(() => void giveUp(), timeoutMs)
    return thread.ask({ sql, parameters }).finally(() => clearTimeout(timer))
  }

  /** The first that waited too long is the one that runs: those behind it would wait for it. */
  async function giveUp(): Promise<void> {
    const seconds = timeoutMs / 1000
    const detail = `The query took longer than ${seconds} s and was given up. Ask for a shorter time, or larger buckets.`
    ending = thread.kill(problem('unavailable', detail))
    await ending
    ending = undefined
  }

  /** What is asked and not answered is rejected. */
  async function close(): Promise<void> {
    await ending
    await thread.closeNow()
  }

  return { query, close }
}
