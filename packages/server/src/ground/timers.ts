/** Timers, as the server takes them: tests pass their own. */
export interface Timers {
  after(delayMs: number, run: () => void): CancelTimer
}
export type CancelTimer = () => void

export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}
