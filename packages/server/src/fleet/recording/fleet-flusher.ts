import { problem } from '@hotpatch/protocol'
import { type CancelTimer, type Clock, elapsedOn, type Timers } from '../../ground/clock.ts'
import type { Log } from '../../ground/log.ts'
import { countRows } from './writing/fleet-batch.ts'
import type { FleetBuffer, Taken } from './fleet-buffer.ts'
import type { FleetCounts } from './fleet-counts.ts'
import type { FleetWriter } from './writing/fleet-writer.ts'

export interface FlushLimits {
  /** Rows of one kind in one write; as many notes make a write at once. */
  batchRows: number
  /** How long a note waits for others. */
  noteDelayMs: number
  /** How long a report waits for others. */
  reportDelayMs: number
  /** After a failed write; doubled each time. */
  minRetryMs: number
  maxRetryMs: number
}

/** What a device is told that comes at a bad time. */
export const RETRY_LATER = { retryAfterSeconds: 30 }

/** Between writes of a long queue: on SQLite the other connection gets its turn. */
const REST_MS = 5

/** Moves the buffer into the database: many rows in one write, one write at a time, again after one that failed. */
export function createFleetFlusher({
  buffer,
  counts: fleetCounts,
  writer,
  onWritten = () => undefined,
  clock,
  timers,
  log,
  limits,
}: {
  buffer: FleetBuffer
  counts: FleetCounts
  writer: FleetWriter
  /** Hears of each device of which something was written. */
  onWritten?: (deviceId: string) => void
  clock: Clock
  timers: Timers
  log: Log
  limits: FlushLimits
}) {
  const { batchRows, noteDelayMs, reportDelayMs, minRetryMs, maxRetryMs } = limits
  const counts = { writtenBatches: 0, writtenRows: 0, failedWrites: 0, refusedRows: 0, lastFlushMs: 0 }
  let timer: { delayMs: number; cancel: CancelTimer } | undefined
  let active: Promise<void> | undefined
  let queued: Promise<void> | undefined
  let outage: { since: number; tries: number } | undefined
  let rowsInFlight = 0
  let isStopped = false

  /** To be called after each addition to the buffer or the counts. */
  function wake(): void {
    // The end of the write, or the next try, looks again.
    if (active || outage) return
    const { notes, reports } = buffer.sizes()
    if (notes >= batchRows || reports >= batchRows) schedule(REST_MS)
    else if (reports > 0) schedule(reportDelayMs)
    else if (notes > 0 || fleetCounts.size() > 0) schedule(noteDelayMs)
  }

  /** The shorter wait takes the place of the longer one. No clock is asked: it may be set while they wait. */
  function schedule(delayMs: number): void {
    if (isStopped || (timer && timer.delayMs <= delayMs)) return
    timer?.cancel()
    const cancel = timers.after(delayMs, () => {
      timer = undefined
      // What failed is logged, and tried again.
      flushOnce().catch(() => undefined)
    })
    timer = { delayMs, cancel }
  }

  /** Writes one batch, which has what was added before the call. */
  function flushOnce(): Promise<void> {
    if (active) {
      queued ??= settled(active).then(() => {
        queued = undefined
        return flushOnce()
      })
      return queued
    }
    active = writeNext().finally(() => {
      active = undefined
      wake()
    })
    return active
  }

  async function writeNext(): Promise<void> {
    const taken = buffer.take(batchRows)
    rowsInFlight = taken.notes.length + taken.reports.length
    if (rowsInFlight === 0 && fleetCounts.size() === 0) return
    const startedAt = elapsedOn(clock)
    const { writtenBatches } = counts
    try {
      await write(taken)
      // The counts went with none of the rows when the database refuses all of them.
      if (counts.writtenBatches === writtenBatches) await write({ notes: [], reports: [] })
    } catch (error) {
      buffer.putBack(taken)
      failed(error)
      const answer = problem('unavailable', 'The report cannot be stored now. Send it again later.', RETRY_LATER, {
        cause: error,
      })
      for (const report of taken.reports) report.stored.reject(answer)
      throw error
    }
    fleetCounts.done()
    for (const { deviceId } of taken.notes) onWritten(deviceId)
    for (const { device } of taken.reports) onWritten(device.device_id)
    counts.lastFlushMs = elapsedOn(clock) - startedAt
    for (const report of taken.reports) report.stored.resolve()
    succeeded()
  }

  /** A row that the database refuses is looked for by halves and left out: it must not hold up the fleet. */
  async function write(taken: Taken): Promise<void> {
    const reports = taken.reports.map(({ stored: _, ...report }) => report)
    const batch = { notes: taken.notes, reports, counts: fleetCounts.take(), writtenAt: clock.now() }
    try {
      await writer.write(batch)
      counts.writtenBatches++
      counts.writtenRows += countRows(batch)
    } catch (error) {
      if (!blamesRows(error)) throw error
      const { notes, reports } = taken
      if (notes.length + reports.length <= 1) return refuse(taken, error)
      const [halfOfNotes, halfOfReports] = [Math.ceil(notes.length / 2), Math.floor(reports.length / 2)]
      await write({ notes: notes.slice(0, halfOfNotes), reports: reports.slice(0, halfOfReports) })
      await write({ notes: notes.slice(halfOfNotes), reports: reports.slice(halfOfReports) })
    }
  }

  function refuse({ notes, reports }: Taken, error: unknown): void {
    counts.refusedRows++
    const { appId, deviceId } = notes[0] ?? { appId: reports[0]?.device.app_id, deviceId: reports[0]?.device.device_id }
    log.error({ err: error, appId, deviceId }, 'the database refuses what a device told; it is left out')
    reports[0]?.stored.reject(problem('invalid-request', 'The report cannot be stored.', {}, { cause: error }))
  }

  function failed(error: unknown): void {
    counts.failedWrites++
    if (!outage) {
      outage = { since: elapsedOn(clock), tries: 0 }
      log.error({ err: error, ...buffer.sizes() }, 'the fleet cannot be written; it is kept in memory and tried again')
    }
    schedule(Math.min(minRetryMs * 2 ** outage.tries++, maxRetryMs))
  }

  function succeeded(): void {
    if (!outage) return
    log.info({ afterMs: elapsedOn(clock) - outage.since, dropped: buffer.dropped() }, 'the fleet is written again')
    outage = undefined
  }

  async function flushAll(): Promise<void> {
    await active
    const { notes, reports } = buffer.sizes()
    let rows = Math.max(notes, reports)
    do {
      await flushOnce()
      rows -= batchRows
    } while (rows > 0)
  }

  /**
   * Writes all that is in the buffer at the time of the call.
   * @throws problem unavailable when that fails or takes longer
   */
  async function flush(limitMs: number): Promise<void> {
    try {
      await within(limitMs, flushAll())
    } catch (error) {
      throw problem('unavailable', 'The database cannot be written now. Try again later.', {}, { cause: error })
    }
  }

  async function within(limitMs: number, work: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>()
    const cancel = timers.after(limitMs, () => late.reject(new Error(`Not done within ${limitMs} ms.`)))
    await Promise.race([work, late.promise]).finally(cancel)
  }

  /** When no write is under way, whatever became of it. After each there is a rest, unless somebody waits for the next. */
  async function idle(): Promise<void> {
    if (!active) return
    await settled(active)
    await idle()
  }

  /** No timers from now on; writes what is left, for at most so long. */
  async function stop(limitMs: number): Promise<void> {
    isStopped = true
    timer?.cancel()
    const deadline = elapsedOn(clock) + limitMs
    const isEmpty = () => buffer.sizes().notes + buffer.sizes().reports + fleetCounts.size() === 0
    let leftMs = limitMs
    do {
      // Whatever fails here is tried again until the time is up.
      await within(leftMs, flushAll()).catch(() => pause(Math.min(minRetryMs, leftMs)))
      leftMs = deadline - elapsedOn(clock)
    } while (leftMs > 0 && !isEmpty())
    if (!isEmpty() || active) {
      const lost = { ...buffer.sizes(), rowsInFlight }
      log.error(lost, 'the server stops before the fleet could be written; this much is lost')
    }
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => timers.after(delayMs, resolve))
  }

  return { wake, flush, idle, stop, counts: () => ({ ...counts }) }
}

function settled(work: Promise<void>): Promise<void> {
  return work.catch(() => undefined)
}

/** Data that the schema does not take: PostgreSQL's SQLSTATE classes 22 and 23, SQLite's CONSTRAINT (19) and MISMATCH (20). */
function blamesRows(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return (errcode & 0xff) === 19 || (errcode & 0xff) === 20
  return typeof code === 'string' && /^2[23]/.test(code)
}
