import type { ClockPort } from './ports.ts'

export function systemClock(): ClockPort {
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
