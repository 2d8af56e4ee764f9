import { KILL_KINDS, type FaultKind } from '../options.ts'
import { createRandom, type Random } from '../random.ts'

/** In the middle of what something strikes; `any`: whatever happens to be under way. */
export const MOMENTS = ['publish', 'rollout', 'guard', 'upload', 'any'] as const
export type Moment = (typeof MOMENTS)[number]

export interface Strike {
  kind: FaultKind
  /** After the begin of the campaign, at the earliest. */
  atMs: number
  moment: Moment
  /** After the moment has begun. */
  delayMs: number
  /** Which server, or whose worker. */
  server: number
  /** How long it stays so. */
  forMs: number
  /** Of clocks: how far. Of a database: whether all of its processes, or one of its backends. Of Redis: whether it hangs. */
  size: number
}

/** Time in which a campaign comes to itself, and in which it looks at what came of it. */
const CALM_MS = { before: 4_000, after: 8_000 }
/** What is no kill comes about so often, unless somebody says how often. */
const OTHER_EVERY_MS = 60_000

/** What happens when: the same for the same seed and options. */
export function makePlan(of: {
  seed: string
  durationMs: number
  kills: number
  /** Of each kind that is no kill. Undefined: one a minute. */
  others?: number | undefined
  kinds: readonly FaultKind[]
  servers: number
}): Strike[] {
  const { seed, durationMs, kills, kinds, servers } = of
  const others = of.others ?? Math.max(1, Math.round(durationMs / OTHER_EVERY_MS))
  const random = createRandom(`${seed}/plan`)
  const killKinds = KILL_KINDS.filter((kind) => kinds.includes(kind))
  const otherKinds = kinds.filter((kind) => !killKinds.some((each) => each === kind))
  const drawn = [
    ...(killKinds.length > 0 ? random.shuffle(evenly(killKinds, kills)) : []),
    ...evenly(otherKinds, otherKinds.length * others),
  ]
  const kindsInOrder = random.shuffle(drawn)
  const room = Math.max(0, durationMs - CALM_MS.before - CALM_MS.after)
  const slot = room / Math.max(1, kindsInOrder.length)
  return kindsInOrder.map((kind, index) => {
    const atMs = Math.round(CALM_MS.before + slot * (index + random.next()))
    return drawStrike(random, kind, atMs, servers, kinds)
  })
}

function evenly<Kind>(kinds: readonly Kind[], count: number): Kind[] {
  return kinds.length === 0 ? [] : Array.from({ length: count }, (_, index) => kinds[index % kinds.length] as Kind)
}

function drawStrike(random: Random, kind: FaultKind, atMs: number, servers: number, all: readonly FaultKind[]): Strike {
  const strike = {
    kind,
    atMs,
    moment: random.pick(MOMENTS),
    delayMs: random.below(200),
    server: random.below(servers),
    forMs: random.between(100, 1_500),
    size: random.next(),
  }
  switch (kind) {
    case 'kill-server':
    case 'kill-database':
      return strike
    case 'kill-worker':
      // The one that has several.
      return { ...strike, server: 0 }
    case 'storage-gone':
    case 'redis-gone':
    case 'disk-full':
      return { ...strike, forMs: random.between(2_000, 6_000) }
    case 'clock-jump':
      return { ...strike, forMs: random.between(2_000, 6_000) }
    case 'slow-clients':
    case 'broken-clients':
      // Beside others, as they hinder nobody.
      return { ...strike, moment: 'any', forMs: all.length > 2 ? 20_000 : 30_000 }
  }
}
