import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { createFailureMemory } from './failure-memory.ts'
import { APP_ID, forgetFleet, insertApp, RELEASE_1, RELEASE_2 } from './testing/fixtures.ts'

const NOW = Date.UTC(2026, 0, 1)
const clock = { now: () => NOW }

describeOnEveryDatabase('failure memory', (open) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await insertApp(db)
  })
  beforeEach(() => forgetFleet(db))

  function store(...failures: [deviceId: string, releaseId: string, at: number][]) {
    const rows = failures.map(([device_id, release_id, failed_at]) => ({
      app_id: APP_ID,
      device_id,
      release_id,
      failed_at,
    }))
    return db.insertInto('device_failure').values(rows).execute()
  }

  test('knows what was stored, and what is added', async () => {
    await store(['a', RELEASE_1, NOW])
    const memory = createFailureMemory({ db, clock, maxDevices: 10, isKnown: () => true })
    await memory.refresh()
    memory.add(APP_ID, 'a', RELEASE_2, true)
    memory.add(APP_ID, 'a', RELEASE_2, true)
    expect(memory.failedReleaseIds(APP_ID, 'a')).toEqual([RELEASE_1, RELEASE_2])
    expect(memory.failedReleaseIds(APP_ID, 'b')).toEqual([])
    expect(memory.failedReleaseIds('another', 'a')).toEqual([])
  })

  test('hears of what other servers store, whose clocks may be behind', async () => {
    const memory = createFailureMemory({ db, clock, maxDevices: 10, isKnown: () => true })
    await store(['a', RELEASE_1, NOW])
    await memory.refresh()
    await store(['b', RELEASE_1, NOW - 60_000], ['c', RELEASE_1, NOW + 60_000])
    await memory.refresh()
    expect(['a', 'b', 'c'].map((id) => memory.failedReleaseIds(APP_ID, id))).toEqual([
      [RELEASE_1],
      [RELEASE_1],
      [RELEASE_1],
    ])
  })

  test('hears of what is stored after a clock was hours ahead for a while', async () => {
    const memory = createFailureMemory({ db, clock, maxDevices: 10, isKnown: () => true })
    await store(['a', RELEASE_1, NOW + 6 * HOUR_MS])
    await memory.refresh()
    await store(['b', RELEASE_1, NOW])
    await memory.refresh()
    expect(memory.failedReleaseIds(APP_ID, 'b')).toEqual([RELEASE_1])
  })

  test('is bounded: who failed last stays', async () => {
    await store(['a', RELEASE_1, NOW], ['b', RELEASE_1, NOW + 1], ['c', RELEASE_1, NOW + 2])
    const memory = createFailureMemory({ db, clock, maxDevices: 2, isKnown: () => true })
    await memory.refresh()
    expect(memory.failedReleaseIds(APP_ID, 'a')).toEqual([])
    memory.add(APP_ID, 'b', RELEASE_2, true)
    memory.add(APP_ID, 'd', RELEASE_1, true)
    expect(memory.size()).toBe(2)
    expect(['b', 'c', 'd'].map((id) => memory.failedReleaseIds(APP_ID, id).length)).toEqual([2, 0, 1])
  })

  test('a device has so many failures at most', () => {
    const memory = createFailureMemory({ db, clock, maxDevices: 2, isKnown: () => true })
    for (let index = 0; index < 60; index++) memory.add(APP_ID, 'a', `release-${index}`, true)
    expect(memory.failedReleaseIds(APP_ID, 'a')).toHaveLength(50)
    expect(memory.failedReleaseIds(APP_ID, 'a').at(-1)).toBe('release-59')
  })

  test('invented devices push out each other, and none of the fleet', () => {
    const memory = createFailureMemory({ db, clock, maxDevices: 20, isKnown: () => true })
    const ofTheFleet = Array.from({ length: 15 }, (_, index) => `device-${index}`)
    for (const deviceId of ofTheFleet) memory.add(APP_ID, deviceId, RELEASE_1, true)
    for (let index = 0; index < 1_000; index++) memory.add(APP_ID, `invented-${index}`, RELEASE_1, false)
    expect(memory.size()).toBe(20)
    expect(ofTheFleet.filter((deviceId) => memory.failedReleaseIds(APP_ID, deviceId).length === 0)).toEqual([])
  })
})
