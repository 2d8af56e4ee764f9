import type { ClockPort } from '@hotpatch/device-ground'

/** Waits take no time: whoever waits for longer than anything else under way goes on, and the clock shows it. */
export function createEagerClock(): ClockPort & { waits: number[] } {
  let now = Date.parse('2027-01-31T12:00:00Z')
  const waits: number[] = []
  return {
    waits,
    now: () => now,
    elapsed: () => now,
    random: () => 0.5,
    after(ms, run) {
      let isCancelled = false
      const cancel = () => {
        isCancelled = true
      }
      // Bounds are there to be kept: only what is waited for and nothing else comes true at once.
      if (ms >= BOUND_MS) return cancel
      waits.push(ms)
      queueMicrotask(() => {
        if (isCancelled) return
        now += ms
        run()
      })
      return cancel
    },
  }
}

/** The smallest limit that is a bound and no wait. */
const BOUND_MS = 15_000
