import { fixedClock } from '@hotpatch/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRateLimiter, requireRoom } from './rate-limit.ts'

describe('a rate limiter', () => {
  test('lets a minute’s requests pass at once, and from then on one after the other', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perPeriod: 60, clock })
    const takeAll = () => Array.from({ length: 100 }, () => limiter.take('key')).filter((wait) => wait === 0).length
    expect(takeAll()).toBe(60)
    clock.advance(1_000)
    expect(takeAll()).toBe(1)
    clock.advance(3_600_000)
    expect(takeAll()).toBe(60)
  })

  test('says the whole seconds after which a request passes', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perPeriod: 7, clock })
    for (let count = 0; count < 7; count++) limiter.take('key')
    const wait = limiter.take('key')
    expect(wait).toBe(9)
    clock.advance(wait * 1_000)
    expect(limiter.take('key')).toBe(0)
  })

  test('never lets more pass than a period’s share and one thing, whatever each costs', () => {
    const costs = fc.array(fc.record({ cost: fc.integer({ min: 1, max: 250 }), afterMs: fc.nat({ max: 5_000 }) }))
    fc.assert(
      fc.property(costs, (things) => {
        const clock = fixedClock()
        const limiter = createRateLimiter({ perPeriod: 100, periodMs: 10_000, clock })
        const startedAt = clock.now()
        let passed = 0
        for (const { cost, afterMs } of things) {
          clock.advance(afterMs)
          if (limiter.take('key', cost) === 0) passed += cost
          const elapsed = (clock.now() - startedAt) / 10_000
          // What costs more than a whole share passes alone, and its debt is at most a share.
          expect(passed).toBeLessThanOrEqual(100 * (1 + elapsed) + 150 * Math.ceil(1 + elapsed))
        }
      }),
    )
  })

  test('lets what costs more than a minute allows pass, alone', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perPeriod: 10, clock })
    expect(limiter.take('key', 1_000)).toBe(0)
    expect(limiter.take('key', 1)).toBeGreaterThan(0)
    clock.advance(60_000)
    expect(limiter.take('key', 1_000)).toBe(0)
  })

  test('refuses nobody for longer because the clock was set back', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perPeriod: 1, clock })
    limiter.take('key')
    clock.advance(-86_400_000)
    expect(limiter.take('key')).toBe(0)
    expect(limiter.take('key')).toBeLessThanOrEqual(60)
  })

  test.each([-86_400_000, 3_600_000])('lets no more pass when the clock is set by %i ms', (byMs) => {
    const clock = { shown: 0, steady: 0, now: () => clock.shown, elapsed: () => clock.steady }
    const limiter = createRateLimiter({ perPeriod: 1, clock })
    expect(limiter.take('a')).toBe(0)
    clock.shown += byMs
    expect(limiter.take('a')).toBe(60)
    clock.steady += 60_000
    expect(limiter.take('a')).toBe(0)
  })

  test('does not forget who comes often, however many keys are invented', () => {
    const limiter = createRateLimiter({ perPeriod: 8, clock: fixedClock(), maxKeys: 100 })
    for (let count = 0; count < 8; count++) limiter.take('regular')
    for (let key = 0; key < 10_000; key++) limiter.take(`invented-${key}`)
    expect(limiter.take('regular')).toBeGreaterThan(0)
  })

  test('forgets in the end: its memory is bounded, and has room again when what it held is over', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perPeriod: 2, clock, maxKeys: 100 })
    const exhaust = (from: number, count: number) => {
      for (let key = from; key < from + count; key++) for (let times = 0; times < 2; times++) limiter.take(`key-${key}`)
    }
    exhaust(0, 1_000)
    // The first hundred are kept; of the others those that came last.
    expect(limiter.take('key-0')).toBeGreaterThan(0)
    expect(limiter.take('key-500')).toBe(0)
    clock.advance(61_000)
    exhaust(1_000, 1)
    exhaust(2_000, 1_000)
    expect(limiter.take('key-1000')).toBeGreaterThan(0)
  })

  test('says who sent too much of what', () => {
    const limiter = createRateLimiter({ perPeriod: 1, clock: fixedClock() })
    requireRoom(limiter, 'key', 'this address', 1, 'events')
    expect(() => requireRoom(limiter, 'key', 'this address', 1, 'events')).toThrow(
      'Too many events from this address. Try again in 60 s.',
    )
  })
})
