import type { FastifyBaseLogger } from 'fastify'
import { HOUR_MS, MINUTE_MS, type CancelTimer, type Timers } from '../../ground/clock.ts'

/** What fails may be the disk's or the storage's fault: after a minute it is tried again, then after twice as long. */
const FIRST_WAIT_MS = MINUTE_MS
const LONGEST_WAIT_MS = HOUR_MS
/** When so many fail it is none of the files, and the others have time until the next try. */
const MAX_FAILING = 100

/** What is worked off. */
export interface WorkItem {
  /** Of its bytes. */
  sha256: string
  /** What it is known by, where several are of the same bytes. */
  id?: string
}

export interface WorkedOff<Item, Result> {
  item: Item
  /** Undefined when nothing comes of it, and never will. */
  result: Result | undefined
}

/**
 * Works off what stands in the database, batch after batch, one at a time: whoever adds to it wakes it, and a start does.
 * Whoever starts goes on with it; two servers may do the same twice.
 */
export function createWorkOff<Item extends WorkItem, Result>({
  does,
  batch,
  list,
  work,
  record,
  timers,
  log,
}: {
  /** Such as "compressed", for the log. */
  does: string
  /** How many become visible at once. */
  batch: number
  list: (count: number) => Promise<Item[]>
  /** @throws when it cannot be done for now */
  work: (item: Item) => Promise<Result | undefined>
  /** Afterwards they are not listed again. */
  record: (done: readonly WorkedOff<Item, Result>[]) => Promise<void>
  timers: Timers
  log: Pick<FastifyBaseLogger, 'warn'>
}) {
  let working: Promise<void> | undefined
  let isAskedAgain = false
  let isStopped = false
  let waitMs = FIRST_WAIT_MS
  let cancelRetry: CancelTimer = () => undefined

  /** There may be something to do. */
  function wake(): void {
    isAskedAgain = true
    if (isStopped) return
    working ??= workOff().finally(() => {
      working = undefined
      if (isAskedAgain) wake()
    })
  }

  async function workOff(): Promise<void> {
    isAskedAgain = false
    cancelRetry()
    const failing = new Set<string>()
    try {
      while (await workOnBatch(failing));
      if (failing.size === 0) waitMs = FIRST_WAIT_MS
      else tryLater()
    } catch (error) {
      isAskedAgain = false
      if (!isStopped) log.warn({ err: error }, `files are not ${does} for now; it is tried again`)
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
    const waiting = await list(batch + failing.size)
    const awaiting = waiting.filter((item) => !failing.has(nameOf(item)))
    const done: WorkedOff<Item, Result>[] = []
    for (const item of awaiting) {
      if (isStopped) break
      const result = await tryTo(item)
      if (isStopped) break
      if (result === 'failed') failing.add(nameOf(item))
      else done.push({ item, result })
    }
    if (done.length > 0) await record(done)
    return !isStopped && awaiting.length > 0 && failing.size < MAX_FAILING
  }

  async function tryTo(item: Item): Promise<Result | 'failed' | undefined> {
    try {
      return await work(item)
    } catch (error) {
      if (!isStopped) log.warn({ err: error, sha256: item.sha256 }, `a file is not ${does} for now`)
      return 'failed'
    }
  }

  /** @param abort ends what is under way, in the middle of it: the next start goes on */
  async function stop(abort: () => Promise<void>): Promise<void> {
    isStopped = true
    cancelRetry()
    await abort()
    await working
  }

  return { wake, stop }
}

function nameOf({ id, sha256 }: WorkItem): string {
  return id ?? sha256
}
