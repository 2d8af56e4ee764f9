/** What must hold, each with what it says. */
export const INVARIANTS = {
  'acknowledged-release': 'every publish that was acknowledged is there, as it was acknowledged',
  'acknowledged-rollout': 'every state and percentage of a rollout that was acknowledged is there',
  'acknowledged-upload': 'an upload goes on at or behind the offset that was acknowledged, or is there whole',
  'acknowledged-report': 'every report of a device that was acknowledged is in its timeline',
  'nothing-half': 'what is listed was asked for, and its bytes can be downloaded and hash right',
  'offer-is-whole': 'what a device is offered was published, and is described as it was published',
  'check-answered': 'every check that came to a living server was answered with 200, in bounded time',
  'check-elsewhere': 'with two servers, whoever tries the other one has an answer',
  'servers-agree': 'the servers answer alike within bounded time after a change',
  'high-water': 'no device is offered less than the highest sequence that it has had',
  'stopped-not-offered': 'what was paused or halted is offered to nobody new, within bounded time',
  'failed-not-again': 'what failed on a device is not offered to it again, within bounded time',
  'guard-acts': 'a bad release is stopped by its guard, whatever dies meanwhile',
  'audit-chain': 'the chain of the audit log verifies, and has every head that was seen before',
  'nothing-grows': 'memory, open files and connections do not grow over the run',
  'nothing-left': 'temporary folders hold nothing that a start should have removed',
  'comes-back': 'whatever was killed comes back, and with it the servers, in bounded time',
  'stays-alive': 'no server ends that nobody has killed',
  'ends-well': 'a server that is told to stop ends with 0',
  'redis-is-back': 'servers share their limits again in bounded time after Redis was away',
  'no-internal-error': 'no answer has the status 500, and what is well meant is not refused for good',
  'hostile-bounded': 'slow and broken clients are answered with 4xx or cut off, in bounded time',
} as const
export type Invariant = keyof typeof INVARIANTS

export interface Breach {
  invariant: Invariant
  atSeconds: number
  detail: string
}

export type Findings = ReturnType<typeof createFindings>

const KEPT_BREACHES = 100

/** What was looked at, how often, and what of it did not hold. */
export function createFindings(now: () => number = () => performance.now()) {
  const startedAt = now()
  const looked = new Map<Invariant, number>()
  const broken = new Map<Invariant, number>()
  const breaches: Breach[] = []
  const counts = new Map<string, number>()
  const highest = new Map<string, number>()
  const add = <Key>(map: Map<Key, number>, key: Key, by: number) => map.set(key, (map.get(key) ?? 0) + by)

  /** @param detail what is needed to find out more; asked only when it does not hold */
  function expectThat(invariant: Invariant, holds: boolean, detail: () => string): boolean {
    add(looked, invariant, 1)
    if (holds) return true
    add(broken, invariant, 1)
    const atSeconds = Math.round((now() - startedAt) / 100) / 10
    if (breaches.length < KEPT_BREACHES) breaches.push({ invariant, atSeconds, detail: detail().slice(0, 1_000) })
    return false
  }

  return {
    expectThat,
    count: (name: string, by = 1) => void add(counts, name, by),
    /** The most of it that ever was. */
    most: (name: string, value: number) => void highest.set(name, Math.max(value, highest.get(name) ?? 0)),
    countOf: (name: string) => counts.get(name) ?? 0,
    isBroken: () => broken.size > 0,
    breaches: breaches as readonly Breach[],
    summary: () => ({
      invariants: (Object.keys(INVARIANTS) as Invariant[]).map((name) => ({
        name,
        means: INVARIANTS[name],
        looked: looked.get(name) ?? 0,
        broken: broken.get(name) ?? 0,
      })),
      breaches,
      counts: Object.fromEntries([...counts].toSorted(([one], [two]) => one.localeCompare(two))),
      highest: Object.fromEntries([...highest].map(([name, value]) => [name, Math.round(value)])),
    }),
  }
}
