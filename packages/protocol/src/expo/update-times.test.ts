import { describe, expect, test } from 'vitest'
import { compileCatalog, type CatalogRollout } from '../catalog.ts'
import { expoTimeOf, laterThanTold } from './update-times.ts'

const NOW = 1_790_000_000_000

function rollout(position: number, changes: Partial<CatalogRollout> = {}): CatalogRollout {
  return {
    id: `rollout-${position}`,
    position,
    target: {
      id: `release-${position}`,
      version: `${position}.0.0`,
      sequence: position,
      requirement: {},
      floor: 0,
      keyId: null,
      isStated: false,
    },
    state: 'active',
    startsAt: null,
    startedAt: NOW - 1_000 + position,
    mandatory: false,
    audience: { devices: [], cohorts: [], percentage: 100, buckets: 10_000, rules: [], slice: null },
    restated: null,
    ...changes,
  }
}

function catalogOf(...rollouts: CatalogRollout[]) {
  return compileCatalog({ appId: 'app', platform: 'android', channel: 'production', generation: 1, rollouts })
}

function timesOf(rollouts: CatalogRollout[], told?: number, now = NOW) {
  const catalog = catalogOf(...rollouts)
  return catalog.rollouts.map((each) => laterThanTold(expoTimeOf(catalog, each, now), told)).toReversed()
}

describe('the time of an update', () => {
  test('is that of the start of its rollout', () => {
    expect(timesOf([rollout(1), rollout(2)])).toEqual([NOW - 999, NOW - 998])
  })

  test('is the end of what was above it, so that going back is going on', () => {
    const halted = rollout(2, { state: 'halted', endedAt: NOW - 10 })
    expect(timesOf([rollout(1), halted, rollout(3, { startedAt: NOW - 5 })])).toEqual([NOW - 10, NOW, NOW - 5])
    expect(timesOf([rollout(1, { target: 'embedded' }), { ...halted, state: 'withdrawn' }])[0]).toBe(NOW - 10)
  })

  test('rises with the position, also where what is below was raised above it', () => {
    const halted = rollout(2, { state: 'halted', endedAt: NOW - 10 })
    expect(timesOf([rollout(1), halted, rollout(3)])).toEqual([NOW - 10, NOW, NOW - 9])
    const together = [1, 2, 3].map((position) => rollout(position, { startedAt: NOW }))
    expect(timesOf(together)).toEqual([NOW, NOW + 1, NOW + 2])
  })

  test('does not change by what has not begun, until it begins', () => {
    const rollouts = [rollout(1), rollout(2, { startsAt: NOW + 5, startedAt: NOW + 5 }), rollout(3)]
    const catalog = catalogOf(...rollouts)
    const timeOfTop = (now: number) => expoTimeOf(catalog, { index: 0 }, now)
    expect([timeOfTop(NOW), timeOfTop(NOW + 4), timeOfTop(NOW + 5), timeOfTop(NOW)]).toEqual([
      NOW - 997,
      NOW - 997,
      NOW + 6,
      NOW - 997,
    ])
  })

  test('is later than what the device has, whatever that is', () => {
    expect(timesOf([rollout(1)], NOW + 100)).toEqual([NOW + 101])
    expect(timesOf([rollout(1)], 5)).toEqual([NOW - 999])
  })

  test('of embedded, where nothing else is left, is the last end', () => {
    const ended = [1, 2].map((position) => rollout(position, { state: 'halted', endedAt: NOW - position }))
    expect(expoTimeOf(catalogOf(...ended), null, NOW)).toBe(NOW - 1)
    expect(laterThanTold(NOW - 1, NOW)).toBe(NOW + 1)
  })
})
