import type { ClockPort } from '@hotpatch/device-ground'

export interface VirtualClock extends ClockPort {
  /** How long the engine slept, in the order in which it did. */
  waits(): readonly number[]
  /** Somebody sets the clock: what it shows from now on is so much later, or earlier. */
  set(byMs: number): void
}

/**
 * Time that passes only when nothing else happens: once everything that can go on without waiting has gone on,
 * the next timer fires at once. `whenIdle` calls back at such a moment (setImmediate on Node).
 */
export function createVirtualClock({
  whenIdle,
  startAt = 0,
  random = () => 0.5,
}: {
  whenIdle: (run: () => void) => void
  startAt?: number
  random?: () => number
}): VirtualClock {
  let elapsed = 0
  let shown = startAt
  let isPumping = false
  const timers = new Map<symbol, { at: number; run: () => void }>()
  const waits: number[] = []

  function pump(): void {
    isPumping = false
    const [next] = [...timers].sort(([, a], [, b]) => a.at - b.at)
    if (!next) return
    const [id, { at, run }] = next
    timers.delete(id)
    waits.push(at - elapsed)
    shown += Math.max(0, at - elapsed)
    elapsed = Math.max(elapsed, at)
    schedule()
    run()
  }

  function schedule(): void {
    if (isPumping) return
    isPumping = true
    whenIdle(pump)
  }

  return {
    now: () => shown,
    elapsed: () => elapsed,
    random,
    waits: () => waits,
    set: (byMs) => {
      shown += byMs
    },
    after(ms, run) {
      const id = Symbol('timer')
      timers.set(id, { at: elapsed + ms, run })
      schedule()
      return () => timers.delete(id)
    },
  }
}
