import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import type { Timers } from '../fleet-flusher.ts'

/** A clock and its timers, which move only when a test says so. */
export function createFakeTime(startAt = Date.UTC(2026, 0, 1)) {
  let now = startAt
  const waiting = new Set<{ at: number; run: () => void }>()

  const clock: Clock = { now: () => now }
  const timers: Timers = {
    after(delayMs, run) {
      const timer = { at: now + delayMs, run }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
  }

  /** Runs what falls due, in order, and what follows from it at once. */
  async function advance(milliseconds: number): Promise<void> {
    const end = now + milliseconds
    for (;;) {
      await setImmediate()
      const [next] = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (!next) break
      waiting.delete(next)
      now = Math.max(now, next.at)
      next.run()
    }
    now = end
  }

  return { clock, timers, advance, set: (at: number) => (now = at), waiting: () => waiting.size }
}
