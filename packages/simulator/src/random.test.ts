import { describe, expect, test } from 'vitest'
import { DEFAULT_PROFILE, deviceId, traitsOf } from './profile.ts'
import { createRandom, hash } from './random.ts'

describe('numbers that look random', () => {
  test('are the same for the same seed, on every machine', () => {
    const random = createRandom(42)
    expect([random.next(), random.next(), random.uuid()]).toMatchInlineSnapshot(`
      [
        0.8427618488203734,
        0.5452858577482402,
        "de667ed9-b6b9-49a6-8dfe-8dfd91dce6e9",
      ]
    `)
    expect(hash('a', 1, 'b')).toMatchInlineSnapshot(`207830955`)
  })

  test('fill their range evenly, also over seeds that follow each other', () => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (let seed = 0; seed < 20_000; seed += 1) {
      const place = Math.floor(createRandom(hash('x', seed)).next() * 10)
      counts[place] = (counts[place] ?? 0) + 1
    }
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  })

  test('keep weights', () => {
    const random = createRandom(1)
    const picked = Array.from({ length: 10_000 }, () => random.pick([['a', 3] as const, ['b', 1] as const]))
    const share = picked.filter((item) => item === 'a').length / picked.length
    expect(share).toBeGreaterThan(0.73)
    expect(share).toBeLessThan(0.77)
    expect(() => random.pick([])).toThrow(RangeError)
  })

  test('make UUIDs that differ', () => {
    const random = createRandom(7)
    const ids = Array.from({ length: 1000 }, random.uuid)
    expect(new Set(ids).size).toBe(1000)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

describe('a simulated device', () => {
  const fleet = { seed: 'a', platforms: ['android', 'ios'], profile: DEFAULT_PROFILE }

  test('is always the same', () => {
    expect(traitsOf(3, fleet)).toEqual(traitsOf(3, fleet))
    expect(deviceId('a', 3)).toBe('sim-a-000004')
  })

  test('is one of many kinds', () => {
    const traits = Array.from({ length: 2000 }, (_, index) => traitsOf(index, fleet))
    const ios = traits.filter(({ platform }) => platform === 'ios')
    expect(ios.length).toBeGreaterThan(900)
    expect(ios.length).toBeLessThan(1100)
    expect(ios.every(({ model }) => model.startsWith('iP'))).toBe(true)
    expect(new Set(traits.map(({ model }) => model)).size).toBe(12)
    expect(new Set(traits.map(({ locale }) => locale)).size).toBe(8)
  })
})
