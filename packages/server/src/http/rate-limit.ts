import { problem } from '@hotpatch/protocol'
import type { Clock } from '../clock.ts'

export interface RateLimiter {
  /** 0 when the request may pass; else after how many seconds it may. */
  take(key: string): number
}

const BURST_MS = 60_000

/** Keys remembered at most: two generations of this size. */
const MAX_KEYS = 100_000

/**
 * A leaky bucket for each key (GCRA): `perMinute` requests a minute, which may come all at once.
 * Our own because the check path must stay synchronous, and the libraries' stores answer with promises.
 *
 * @param perMinute 0 for no limit
 */
export function createRateLimiter({ perMinute, clock }: { perMinute: number; clock: Clock }): RateLimiter {
  if (perMinute === 0) return { take: () => 0 }
  const intervalMs = 60_000 / perMinute
  // When a generation is full it becomes the old one: memory stays bounded, and keys in use move along.
  let current = new Map<string, number>()
  let previous = new Map<string, number>()

  function take(key: string): number {
    const now = clock.now()
    const due = Math.max(current.get(key) ?? previous.get(key) ?? 0, now)
    const next = due + intervalMs
    if (next - now > BURST_MS) return Math.ceil((next - now - BURST_MS) / 1000)
    if (current.size >= MAX_KEYS) {
      previous = current
      current = new Map()
    }
    current.set(key, next)
    return 0
  }

  return { take }
}

/** @throws problem too-many-requests, which answers with Retry-After */
export function requireRoom(limiter: RateLimiter, key: string, who: string): void {
  const retryAfterSeconds = limiter.take(key)
  if (retryAfterSeconds === 0) return
  const detail = `Too many requests from ${who}. Try again in ${retryAfterSeconds} s.`
  throw problem('too-many-requests', detail, { retryAfterSeconds })
}
