import type { ClockPort } from '@hotpatch/device-ground'

/** Time that passes only when a test says so: what goes over a real network meanwhile takes none. */
export function createManualClock(startAt = Date.UTC(2027, 0, 31, 12)) {
  let now = startAt
  const timers = new Map<symbol, { at: number; run: () => void }>()

  const clock: ClockPort = {
    now: () => now,
    elapsed: () => now,
    random: () => 0.5,
    after(ms, run) {
      const id = Symbol('timer')
      timers.set(id, { at: now + ms, run })
      return () => timers.delete(id)
    },
  }

  /** Runs what is due, in order, and lets everything that follows from each go on before the next. */
  async function advance(ms: number): Promise<void> {
    const end = now + ms
    for (;;) {
      const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (!next) break
      const [id, { at, run }] = next
      timers.delete(id)
      now = Math.max(now, at)
      run()
      await settle()
    }
    now = end
    await settle()
  }

  return { clock, advance, waiting: () => timers.size }
}

/** Everything that can go on without waiting goes on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
