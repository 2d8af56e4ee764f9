import { type CancelTimer, type Clock, HOUR_MS, MINUTE_MS, type Timers } from '../../ground/clock.ts'
import type { Raised } from '../../ground/database/changes.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { Log } from '../../ground/log.ts'
import type { Traces } from '../../ground/traces/traces.ts'
import { sweep, SWEEP_LIMITS, type SweepRequest, type Swept } from './retention-sweep.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { startThread } from '../../ground/threads/start-thread.ts'

export const RETENTION_LIMITS = {
  ...SWEEP_LIMITS,
  intervalMs: HOUR_MS,
  /** After the start, which has other things to do. */
  firstAfterMs: 5 * MINUTE_MS,
}

/** Where a sweep runs. When the signal is aborted it stops after the statement that it is at. */
export type RunSweep = (request: SweepRequest, signal: AbortSignal) => Promise<Swept>

/** Over a connection that does not block this thread, or in tests. */
export function sweepHere(db: Database, timers: Timers): RunSweep {
  const pause = (delayMs: number) => new Promise<void>((resolve) => timers.after(delayMs, resolve))
  return (request, signal) => sweep(db, request, { pause, isStopped: () => signal.aborted })
}

/** In a thread of its own with its own connection to an SQLite file, which lives as long as the sweep. */
export function sweepInThread(path: string): RunSweep {
  return async (request, signal) => {
    const script = scriptBeside(import.meta.url, 'retention-worker')
    const thread = startThread<SweepRequest, Swept>({ does: 'sweeps', script, workerData: { path } })
    try {
      return await thread.ask(request, signal)
    } finally {
      await thread.close()
    }
  }
}

/** Deletes, each hour, what apps no longer keep: in small statements with pauses, so that others do not notice. */
export function createRetention({
  runSweep,
  clock,
  timers,
  traces,
  log,
  raise,
  limits: changedLimits = {},
}: {
  runSweep: RunSweep
  clock: Clock
  timers: Timers
  traces: Pick<Traces, 'run'>
  log: Log
  /** Called after a sweep that took a device out of a cohort. */
  raise: (raised: Raised) => Promise<void>
  limits?: Partial<typeof RETENTION_LIMITS>
}) {
  const { intervalMs, firstAfterMs, ...limits } = { ...RETENTION_LIMITS, ...changedLimits }
  const stopping = new AbortController()
  let goneUntil: SweepRequest['goneUntil'] = {}
  let cancel: CancelTimer | undefined
  let sweeping: Promise<unknown> | undefined

  function start(delayMs = firstAfterMs): void {
    if (stopping.signal.aborted) return
    cancel = timers.after(delayMs, () => {
      sweeping = sweepNow()
        .catch((error: unknown) => log.warn({ err: error }, 'the sweep of what is no longer kept failed'))
        .finally(() => start(intervalMs))
    })
  }

  /** @returns how much is gone */
  async function sweepNow(): Promise<Swept['deleted']> {
    const request = { now: clock.now(), goneUntil, limits }
    const swept = await traces.run({ name: 'sweep fleet' }, () => runSweep(request, stopping.signal))
    goneUntil = swept.goneUntil
    const { deleted } = swept
    if (Object.values(deleted).some((count) => count > 0)) log.info(deleted, 'what is no longer kept was deleted')
    if (swept.changedCohorts) await raise({ cohorts: true })
    return deleted
  }

  /** Waits for the statement that runs. */
  async function stop(): Promise<void> {
    stopping.abort()
    cancel?.()
    await sweeping
  }

  return { start, stop, sweep: sweepNow }
}
