import { fixedClock } from '@hotpatch/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OtherServers } from '../redis/other-servers.ts'
import type { Crew } from '../workers/crew.ts'
import { createLimiters } from './share-limits.ts'

const LIMIT = 120
const PERIOD_MS = 60_000

type Hear = (body: unknown, from: string) => unknown

/**
 * Processes that hear each other whenever a test says so: those of one machine as a crew, and all of them over Redis,
 * if they have one.
 * @param machines how many workers each has
 */
function startProcesses(machines: readonly number[], { hasRedis = machines.length > 1 } = {}) {
  const clock = fixedClock()
  const timers: (() => void)[] = []
  const after = (_delayMs: number, run: () => void) => {
    timers.push(run)
    return () => undefined
  }
  const machineOf = machines.flatMap((workers, machine) => Array.from({ length: workers }, () => machine))
  const hearCrew: Hear[] = []
  const hearServers: Hear[] = []
  const onOthers: ((ids: ReadonlySet<string>) => void)[] = []
  let told: { from: number; by: 'crew' | 'servers'; body: unknown }[] = []

  const limiters = machineOf.map((machine, from) => {
    const crew = {
      size: machines[machine],
      on: (_topic: string, listener: Hear) => void (hearCrew[from] = listener),
      tell: (_topic: string, body: unknown) => void told.push({ from, by: 'crew', body }),
    } as unknown as Crew
    const servers = {
      id: String(from),
      on: (_topic: string, listener: Hear) => void (hearServers[from] = listener),
      tell: (_topic: string, body: unknown) => told.push({ from, by: 'servers', body }) > 0,
      onOthers: (listener: (ids: ReadonlySet<string>) => void) => void (onOthers[from] = listener),
    } as unknown as OtherServers
    return createLimiters({ crew, servers: hasRedis ? servers : null, clock, timers: { after } })(
      'devices',
      LIMIT,
      PERIOD_MS,
    )
  })

  /** They know of each other, or of nobody. */
  function know(isUp: boolean): void {
    for (const [process, tell] of onOthers.entries()) {
      const others = machineOf.flatMap((_, other) => (isUp && other !== process ? [String(other)] : []))
      tell(new Set(others))
    }
  }
  if (hasRedis) know(true)

  /** All that was told arrives. @returns how many keys there were */
  function exchange(): number {
    for (const run of timers.splice(0)) run()
    const arriving = told
    told = []
    for (const { from, by, body } of arriving) {
      for (const [other, machine] of machineOf.entries()) {
        if (other === from) continue
        if (by === 'servers') hearServers[other]?.(structuredClone(body), String(from))
        else if (machine === machineOf[from]) hearCrew[other]?.(structuredClone(body), '')
      }
    }
    const keysOf = (body: unknown[], by: string) => (by === 'crew' ? (body[1] as unknown[]) : body).length
    return arriving.reduce((sum, { by, body }) => sum + keysOf(body as unknown[], by), 0)
  }

  /** What somebody says who is none of them, and is believed. */
  function hear(body: unknown): void {
    for (const listen of hearServers) listen(body, 'another version')
  }

  return { clock, limiters, exchange, know, hear }
}

const passes = (limiter: { take(key: string): number } | undefined, times: number, key = 'key') =>
  Array.from({ length: times }, () => limiter?.take(key)).filter((wait) => wait === 0).length

test('who comes to one process has the whole limit there', () => {
  const { limiters, exchange } = startProcesses([4])
  expect(passes(limiters[0], 2 * LIMIT)).toBe(LIMIT)
  exchange()
  expect(passes(limiters[1], LIMIT)).toBeLessThanOrEqual(LIMIT / 8)
})

test('what seldom comes is told to nobody', () => {
  const { clock, limiters, exchange } = startProcesses([4, 4])
  for (let minute = 0; minute < 100; minute++) {
    for (const limiter of limiters) for (let device = 0; device < 5; device++) limiter.take(`device ${device}`)
    clock.advance(10 * PERIOD_MS)
    expect(exchange()).toBe(0)
  }
})

test('who overdraws at all of them in one moment pays for it', () => {
  const { clock, limiters, exchange } = startProcesses([1, 1, 2])
  for (const limiter of limiters) expect(passes(limiter, LIMIT)).toBe(LIMIT)
  exchange()
  clock.advance(2 * PERIOD_MS)
  for (const limiter of limiters) expect(passes(limiter, LIMIT)).toBe(0)
  clock.advance(3 * PERIOD_MS)
  expect(passes(limiters[0], LIMIT)).toBe(LIMIT)
})

test.each([{ machines: [4] }, { machines: [1, 1, 1, 1] }, { machines: [2, 2] }])(
  'processes of $machines let pass a quarter more than one at most, however somebody spreads over them',
  ({ machines }) => {
    const places = fc.record({
      place: fc.nat({ max: 3 }),
      times: fc.integer({ min: 1, max: 40 }),
      afterMs: fc.nat(5_000),
    })
    fc.assert(
      fc.property(fc.array(places, { minLength: 1, maxLength: 200 }), (visits) => {
        const { clock, limiters, exchange } = startProcesses(machines)
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
  },
)

test('what a worker tells its own machine and all servers counts once on its machine', () => {
  const { limiters, exchange } = startProcesses([2, 1])
  // The first that is told says who of them is of this machine.
  expect(passes(limiters[0], LIMIT / 2)).toBe(LIMIT / 2)
  exchange()
  expect(passes(limiters[1], LIMIT)).toBeGreaterThanOrEqual(LIMIT / 2)
})

test('while they do not hear each other each has the limit for itself, and what was overdrawn before stays so', () => {
  const { clock, limiters, exchange, know } = startProcesses([1, 1, 1])
  for (const limiter of limiters) expect(passes(limiter, LIMIT)).toBe(LIMIT)
  exchange()
  know(false)
  for (const limiter of limiters) expect(passes(limiter, LIMIT)).toBe(0)
  clock.advance(3 * PERIOD_MS)
  for (const limiter of limiters) expect(passes(limiter, 2 * LIMIT)).toBe(LIMIT)
  expect(exchange()).toBe(0)
  know(true)
  clock.advance(PERIOD_MS)
  expect(passes(limiters[0], LIMIT)).toBe(LIMIT)
  exchange()
  expect(passes(limiters[1], LIMIT)).toBeLessThanOrEqual(LIMIT / 8)
})

test('whatever servers of another version say, nobody has more than before, and nobody waits for ever', () => {
  const item = fc.oneof(
    fc.jsonValue(),
    fc.tuple(fc.constantFrom('devices', '__proto__', 'other'), fc.constantFrom('key', ''), fc.double()),
  )
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.array(item)), (body) => {
      const { clock, limiters, hear } = startProcesses([1, 1])
      expect(passes(limiters[0], LIMIT)).toBe(LIMIT)
      hear(body)
      expect(passes(limiters[0], LIMIT)).toBe(0)
      // As long as if each of the two had let pass what there is.
      clock.advance(2 * PERIOD_MS)
      clock.advance(PERIOD_MS)
      expect(passes(limiters[0], LIMIT)).toBe(LIMIT)
    }),
  )
})
