import { problem } from '@hotpatch/protocol'
import { type Clock, elapsedOn, MINUTE_MS } from '../clock.ts'

/** Of one limit, what processes that share it tell each other. */
export interface SharedLimit {
  /** How many there are now. */
  size(): number
  /** @param part of what may pass in a period, which has passed here */
  tell(key: string, part: number): void
  /** Called with what has passed elsewhere. */
  onTold(spend: (key: string, part: number) => void): void
}

export interface RateLimiter {
  /**
   * 0 when so much may pass; else after how many seconds it may.
   * @param cost more than 0; 1 when it is left out
   */
  take(key: string, cost?: number): number
}

/** Keys remembered at most: of seldom ones two generations of this size, of frequent ones one. */
const MAX_KEYS = 100_000
/** Whoever has used a quarter of what it may came often. */
const OFTEN = 1 / 4
/**
 * Of what may pass, the part that all processes together may let pass without telling each other, at once and in each
 * period: what seldom comes is never told, and whoever spreads over all of them gets so much more at most.
 */
const UNTOLD = 1 / 8
/** Things that pass before one is told of, where a limit is not so small that they matter. */
const FEW = 2
const MATTER = 1 / 20

interface Bucket {
  /** When it is empty again. */
  due: number
  /** What was not told of it, in milliseconds, and as of when: it drains, too, by a part of the rate. */
  untold: number
  untoldAt: number
}

/**
 * A leaky bucket for each key (GCRA): so much in a period, which may come all at once. Our own because the check path
 * must stay synchronous, and the libraries' stores answer with promises.
 *
 * Memory is bounded, and the least important keys are forgotten first. An attacker can invent keys for nothing: keys
 * that came once or twice never push out one that is near its limit.
 *
 * Processes that share a limit tell each other what has passed, not before each thing: who comes at many of them at once
 * may get more in that moment, and pays for it later.
 *
 * @param perPeriod 0 for no limit
 */
export function createRateLimiter({
  perPeriod,
  periodMs = MINUTE_MS,
  clock,
  maxKeys = MAX_KEYS,
  shared,
}: {
  perPeriod: number
  periodMs?: number
  clock: Clock
  maxKeys?: number
  shared?: SharedLimit | undefined
}): RateLimiter {
  if (perPeriod === 0) return { take: () => 0 }
  const intervalMs = periodMs / perPeriod
  const oftenMs = periodMs * OFTEN
  // When a generation is full it becomes the old one: keys in use move along.
  let seldom = new Map<string, Bucket>()
  let older = new Map<string, Bucket>()
  let often = new Map<string, Bucket>()
  let fullUntil = 0
  /** What others let pass fills a bucket further than what comes here may; as far as it may have been filled so far. */
  let horizonMs = periodMs
  shared?.onTold(spend)

  function take(key: string, cost = 1): number {
    const now = elapsedOn(clock)
    const known = find(key)
    const due = dueOf(known, now)
    const costMs = cost * intervalMs
    const next = due + costMs
    // A key that used nothing yet may pass whatever the request costs: else one that costs more than a period allows
    // never could.
    if (due > now && next - now > periodMs) return Math.ceil((next - now - periodMs) / 1000)
    const bucket = remember(key, known, Math.min(next, now + periodMs), now)
    const size = shared?.size() ?? 1
    if (size > 1) tellOf(key, bucket, Math.min(costMs, periodMs), now, size)
    return 0
  }

  /** Another process has let it pass. */
  function spend(key: string, part: number): void {
    const now = elapsedOn(clock)
    const known = find(key)
    const fullMs = periodMs * (shared?.size() ?? 1)
    horizonMs = Math.max(horizonMs, fullMs)
    const due = dueOf(known, now)
    remember(key, known, Math.max(due, Math.min(due + part * periodMs, now + fullMs)), now)
  }

  function tellOf(key: string, bucket: Bucket, costMs: number, now: number, size: number): void {
    const untoldRate = UNTOLD / size
    const tellFromMs = Math.max(periodMs * untoldRate, Math.min(FEW * intervalMs, periodMs * MATTER))
    const drained = Math.max(0, now - bucket.untoldAt) * untoldRate
    bucket.untold = Math.max(0, bucket.untold - drained) + costMs
    bucket.untoldAt = now
    if (bucket.untold < tellFromMs) return
    shared?.tell(key, bucket.untold / periodMs)
    bucket.untold = 0
  }

  function find(key: string): Bucket | undefined {
    // Most of the time nobody comes often: what is empty is not asked, as a look-up costs as much as the rest.
    return (often.size > 0 ? often.get(key) : undefined) ?? seldom.get(key) ?? older.get(key)
  }

  function dueOf(bucket: Bucket | undefined, now: number): number {
    const due = bucket?.due ?? 0
    // Later than that from now only when the clock was set back.
    return due > now && due <= now + horizonMs ? due : now
  }

  function remember(key: string, known: Bucket | undefined, due: number, now: number): Bucket {
    const bucket = known ?? { due, untold: 0, untoldAt: now }
    bucket.due = due
    if (due - now >= oftenMs && (often.has(key) || hasRoomForOften(now))) {
      often.set(key, bucket)
      return bucket
    }
    if (often.size > 0) often.delete(key)
    if (seldom.size >= maxKeys) {
      older = seldom
      seldom = new Map()
    }
    seldom.set(key, bucket)
    return bucket
  }

  /** Looks through all of them when they are too many: as long as none is over, at most once for each that comes anew. */
  function hasRoomForOften(now: number): boolean {
    if (often.size < maxKeys) return true
    if (now < fullUntil && fullUntil <= now + periodMs) return false
    const still = new Map<string, Bucket>()
    let first = now + horizonMs
    for (const [key, bucket] of often) {
      if (bucket.due <= now || bucket.due > now + horizonMs) continue
      still.set(key, bucket)
      first = Math.min(first, bucket.due)
    }
    often = still
    // A look takes milliseconds: not again before there is something to find, nor more than ten in a period.
    fullUntil = Math.max(Math.min(first, now + periodMs), now + periodMs / 10)
    return often.size < maxKeys
  }

  return { take }
}

/** @throws problem too-many-requests, which answers with Retry-After */
export function requireRoom(limiter: RateLimiter, key: string, who: string, cost = 1, what = 'requests'): void {
  const retryAfterSeconds = limiter.take(key, cost)
  if (retryAfterSeconds === 0) return
  const detail = `Too many ${what} from ${who}. Try again in ${retryAfterSeconds} s.`
  throw problem('too-many-requests', detail, { retryAfterSeconds })
}
