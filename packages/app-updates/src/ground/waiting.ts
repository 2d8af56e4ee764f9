import type { ClockPort, HttpResponse } from './ports.ts'

/** `work`, or a rejection with `error()` when it takes longer; then `abort` is called and `work` is left alone. */
export function within<T>(
  clock: ClockPort,
  ms: number,
  work: Promise<T>,
  { abort, error }: { abort: () => void; error: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      abort()
      reject(error())
    })
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (cause: unknown) => {
        cancel()
        reject(cause)
      },
    )
  })
}

/** Full jitter, so that a fleet that failed together does not come back together. */
export function backOff(
  clock: ClockPort,
  attempt: number,
  { backOffMs, backOffMaxMs }: { backOffMs: number; backOffMaxMs: number },
): number {
  return clock.random() * Math.min(backOffMaxMs, backOffMs * 2 ** attempt)
}

/** Ends early, and well, when the signal says so. */
export function sleep(clock: ClockPort, ms: number, stopped: Stopped): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => {
      forget()
      resolve()
    })
    const forget = stopped.onStop(() => {
      cancel()
      resolve()
    })
  })
}

/** Milliseconds, from seconds or an HTTP date, which is compared with the server's own time where it tells that. */
export function retryAfter(headers: HttpResponse['headers'], now: number, maxMs: number): number | undefined {
  const text = headers['retry-after']
  if (text === undefined) return undefined
  const told = Date.parse(headers.date ?? '')
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - (Number.isNaN(told) ? now : told)
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxMs)
}

/** App versions §5: whether asking again can help. */
export function mayHelp(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** Whether the user, or the app, wants no more of it. */
export interface Stopped {
  isStopped(): boolean
  /** Calls back at once when it is so already. */
  onStop(run: () => void): () => void
}

export function createStop(): Stopped & { stop(): void } {
  const listeners = new Set<() => void>()
  let isStopped = false
  return {
    isStopped: () => isStopped,
    onStop(run) {
      if (isStopped) run()
      else listeners.add(run)
      return () => listeners.delete(run)
    },
    stop() {
      isStopped = true
      for (const run of listeners) run()
      listeners.clear()
    },
  }
}
