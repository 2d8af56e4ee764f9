import { setImmediate } from 'node:timers/promises'
import type { Clock, Timers } from '../../../ground/clock.ts'

/** A clock and its timers, which move only when a test says so. */
export function createFakeTime(startAt = Date.UTC(2026, 0, 1)) {
  let now = startAt
  let elapsed = 0
  const waiting = new Set<{ at: number; run: () => void }>()

  const clock: Clock = { now: () => now, elapsed: () => elapsed }
  const timers: Timers = {
    after(delayMs, run) {
      const timer = { at: elapsed + delayMs, run }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
  }

  /** Runs what falls due, in order, and what follows from it at once. */
  async function advance(milliseconds: number): Promise<void> {
    const end = elapsed + milliseconds
    const pass = (ms: number) => {
      elapsed += ms
      now += ms
    }
    for (;;) {
      await setImmediate()
      const [next] = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (!next) break
      waiting.delete(next)
      pass(Math.max(0, next.at - elapsed))
      next.run()
    }
    pass(end - elapsed)
  }

  /** Somebody sets the clock, which moves no timer. */
  const set = (at: number) => (now = at)

  return { clock, timers, advance, set, waiting: () => waiting.size }
}
