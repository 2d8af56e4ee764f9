/** A clock that stands still until it is moved. */
export function fixedClock(start = '2027-01-01T00:00:00Z') {
  let now = Date.parse(start)
  return {
    now: () => now,
    advance(milliseconds: number) {
      now += milliseconds
    },
  }
}

const HURRY = 100

/** Timers for a server whose clock is simulated: what would wait a second waits ten milliseconds. */
export const hurriedTimers = {
  after(delayMs: number, run: () => void) {
    const timer = setTimeout(run, delayMs / HURRY)
    return () => clearTimeout(timer)
  },
}
