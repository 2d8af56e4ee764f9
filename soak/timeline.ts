/** What is not as it should be, because somebody wants it so. */
export type Disturbed =
  | `server:${number}`
  | `workers:${number}`
  | `clock:${number}`
  | 'database'
  | 'storage'
  | 'redis'
  | 'disk'

interface Disturbance {
  what: Disturbed
  from: number
  until: number
}

/** Older ones are of no interest: no request takes so long. */
const KEPT = 1_000

/** When what was disturbed: a failure that was in no disturbance is one of the product. */
export function createTimeline(now: () => number = () => performance.now()) {
  const disturbances: Disturbance[] = []

  /** @returns what ends it, `graceMs` later */
  function begin(what: Disturbed): (graceMs?: number) => void {
    const disturbance = { what, from: now(), until: Infinity }
    disturbances.push(disturbance)
    if (disturbances.length > KEPT) disturbances.shift()
    return (graceMs = 0) => {
      disturbance.until = now() + graceMs
    }
  }

  /** Whether any of these was disturbed at any time since then. */
  function wasDisturbed(since: number, ...whats: readonly Disturbed[]): boolean {
    return disturbances.some(({ what, until }) => until >= since && whats.includes(what))
  }

  /** When the last one ended, or now while there is one. */
  function disturbedUntil(): number {
    return Math.min(now(), Math.max(0, ...disturbances.map(({ until }) => until)))
  }

  return { begin, wasDisturbed, disturbedUntil, now }
}

export type Timeline = ReturnType<typeof createTimeline>

/** What can be wrong with what people ask of a server. */
export function disturbancesOf(server: number): Disturbed[] {
  return [`server:${server}`, `workers:${server}`, `clock:${server}`, 'database', 'storage', 'disk']
}
