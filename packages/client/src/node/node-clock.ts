import type { ClockPort } from '../ground/ports.ts'

export function createNodeClock(): ClockPort {
  return {
    now: Date.now,
    elapsed: () => performance.now(),
    random: Math.random,
    after(ms, run) {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  }
}
