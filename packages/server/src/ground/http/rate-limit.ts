import { problem } from '@hotpatch/protocol'
import { type Clock, elapsedOn, MINUTE_MS } from '../clock.ts'

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
 * A leaky bucket for each key (GCRA): so much in a period, which may come all at once. Our own because the check path
 * must stay synchronous, and the libraries' stores answer with promises.
 *
 * Memory is bounded, and the least important keys are forgotten first. An attacker can invent keys for nothing: keys
 * that came once or twice never push out one that is near its limit.
 *
 * @param perPeriod 0 for no limit
 */
export function createRateLimiter({
  perPeriod,
  periodMs = MINUTE_MS,
  clock,
  maxKeys = MAX_KEYS,
}: {
  perPeriod: number
  periodMs?: number
  clock: Clock
  maxKeys?: number
}): RateLimiter {
  if (perPeriod === 0) return { take: () => 0 }
  const intervalMs = periodMs / perPeriod
  const oftenMs = periodMs * OFTEN
  // When a generation is full it becomes the old one: keys in use move along.
  let seldom = new Map<string, number>()
  let older = new Map<string, number>()
  let often = new Map<string, number>()
  let fullUntil = 0

  function take(key: string, cost = 1): number {
    const now = elapsedOn(clock)
    const due = dueOf(key, now)
    const next = due + cost * intervalMs
    // A key that used nothing yet may pass whatever the request costs: else one that costs more than a period allows
    // never could.
    if (due > now && next - now > periodMs) return Math.ceil((next - now - periodMs) / 1000)
    remember(key, Math.min(next, now + periodMs), now)
    return 0
  }

  function dueOf(key: string, now: number): number {
    // Most of the time nobody comes often: what is empty is not asked, as a look-up costs as much as the rest.
    const due = (often.size > 0 ? often.get(key) : undefined) ?? seldom.get(key) ?? older.get(key) ?? 0
    // Later than a period from now only when the clock was set back.
    return due > now && due <= now + periodMs ? due : now
  }

  function remember(key: string, next: number, now: number): void {
    if (next - now >= oftenMs && (often.has(key) || hasRoomForOften(now))) {
      often.set(key, next)
      return
    }
    if (often.size > 0) often.delete(key)
    if (seldom.size >= maxKeys) {
      older = seldom
      seldom = new Map()
    }
    seldom.set(key, next)
  }

  /** Looks through all of them when they are too many: as long as none is over, at most once for each that comes anew. */
  function hasRoomForOften(now: number): boolean {
    if (often.size < maxKeys) return true
    if (now < fullUntil && fullUntil <= now + periodMs) return false
    const still = new Map<string, number>()
    let first = now + periodMs
    for (const [key, due] of often) {
      if (due <= now || due > now + periodMs) continue
      still.set(key, due)
      first = Math.min(first, due)
    }
    often = still
    // A look takes milliseconds: not again before there is something to find, nor more than ten in a period.
    fullUntil = Math.max(first, now + periodMs / 10)
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
