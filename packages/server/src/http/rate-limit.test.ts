import { fixedClock } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { createRateLimiter } from './rate-limit.ts'

describe('a rate limiter', () => {
  test('lets a minute’s requests pass at once, and from then on one after the other', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perMinute: 60, clock })
    const takeAll = () => Array.from({ length: 100 }, () => limiter.take('key')).filter((wait) => wait === 0).length
    expect(takeAll()).toBe(60)
    clock.advance(1_000)
    expect(takeAll()).toBe(1)
    clock.advance(3_600_000)
    expect(takeAll()).toBe(60)
  })

  test('says the whole seconds after which a request passes', () => {
    const clock = fixedClock()
    const limiter = createRateLimiter({ perMinute: 7, clock })
    for (let count = 0; count < 7; count++) limiter.take('key')
    const wait = limiter.take('key')
    expect(wait).toBe(9)
    clock.advance(wait * 1_000)
    expect(limiter.take('key')).toBe(0)
  })

  test('remembers who comes often, and forgets the rest: its memory is bounded', () => {
    const limiter = createRateLimiter({ perMinute: 1, clock: fixedClock() })
    const others = (count: number, from: number) => {
      for (let key = from; key < from + count; key++) limiter.take(`other-${key}`)
    }
    limiter.take('regular')
    others(150_000, 0)
    expect(limiter.take('regular')).toBeGreaterThan(0)
    others(250_000, 150_000)
    expect(limiter.take('regular')).toBe(0)
  })
})
