import { fixedClock } from '@hotpatch/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Crew } from '../workers/crew.ts'
import { createLimiters } from './share-limits.ts'

const LIMIT = 120
const PERIOD_MS = 60_000

/** Processes that hear each other whenever a test says so. */
function startProcesses(size: number) {
  const clock = fixedClock()
  const hear: ((body: unknown) => unknown)[] = []
  const timers: (() => void)[] = []
  let told: { from: number; body: unknown }[] = []
  const limiters = Array.from({ length: size }, (_, from) => {
    const crew = {
      size,
      on: (_topic: string, listener: (body: unknown) => unknown) => void (hear[from] = listener),
      tell: (_topic: string, body: unknown) => void told.push({ from, body }),
    } as unknown as Crew
    const after = (_delayMs: number, run: () => void) => {
      timers.push(run)
      return () => undefined
    }
    return createLimiters({ crew, clock, timers: { after } })('devices', LIMIT, PERIOD_MS)
  })

  /** All that was told arrives. @returns how many keys there were */
  function exchange(): number {
    for (const run of timers.splice(0)) run()
    const arriving = told
    told = []
    for (const { from, body } of arriving) {
      for (const [other, listen] of hear.entries()) if (other !== from) listen(body)
    }
    return arriving.reduce((sum, { body }) => sum + (body as unknown[]).length, 0)
  }

  return { clock, limiters, exchange }
}

const passes = (limiter: { take(key: string): number } | undefined, times: number, key = 'key') =>
  Array.from({ length: times }, () => limiter?.take(key)).filter((wait) => wait === 0).length

test('who comes to one process has the whole limit there', () => {
  const { limiters, exchange } = startProcesses(4)
  expect(passes(limiters[0], 2 * LIMIT)).toBe(LIMIT)
  exchange()
  expect(passes(limiters[1], LIMIT)).toBeLessThanOrEqual(LIMIT / 8)
})

test('what seldom comes is told to nobody', () => {
  const { clock, limiters, exchange } = startProcesses(8)
  for (let minute = 0; minute < 100; minute++) {
    for (const limiter of limiters) for (let device = 0; device < 5; device++) limiter.take(`device ${device}`)
    clock.advance(10 * PERIOD_MS)
    expect(exchange()).toBe(0)
  }
})

test('who overdraws at all of them in one moment pays for it', () => {
  const { clock, limiters, exchange } = startProcesses(4)
  for (const limiter of limiters) expect(passes(limiter, LIMIT)).toBe(LIMIT)
  exchange()
  clock.advance(2 * PERIOD_MS)
  for (const limiter of limiters) expect(passes(limiter, LIMIT)).toBe(0)
  clock.advance(3 * PERIOD_MS)
  expect(passes(limiters[0], LIMIT)).toBe(LIMIT)
})

test('all together let pass a quarter more than one at most, however somebody spreads over them', () => {
  const places = fc.record({
    place: fc.nat({ max: 3 }),
    times: fc.integer({ min: 1, max: 40 }),
    afterMs: fc.nat(5_000),
  })
  fc.assert(
    fc.property(fc.array(places, { minLength: 1, maxLength: 200 }), (visits) => {
      const { clock, limiters, exchange } = startProcesses(4)
      const startedAt = clock.now()
      let passed = 0
      for (const { place, times, afterMs } of visits) {
        for (let count = 0; count < times; count++) {
          passed += passes(limiters[place], 1)
          exchange()
        }
        clock.advance(afterMs)
        const periods = 1 + (clock.now() - startedAt) / PERIOD_MS
        // An eighth at once and an eighth of the rate are untold; each process may be one thing short of telling.
        expect(passed).toBeLessThanOrEqual(1.25 * LIMIT * periods + limiters.length)
      }
    }),
  )
})
