import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createFleetService, type FleetLimits } from './fleet-service.ts'
import { createFleetWriter } from './writing/fleet-writer.ts'
import { createFakeTime } from './testing/fake-time.ts'
import {
  aNote,
  APP_ID,
  aReport,
  createFragileWriter,
  createRecordingLog,
  failureOf,
  forgetFleet,
  insertApp,
  RELEASE_1,
  RELEASE_2,
} from './testing/fixtures.ts'
import { APP, createTestDevices } from './testing/test-devices.ts'

describeOnEveryDatabase('fleet service', (open) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await insertApp(db)
  })
  beforeEach(() => forgetFleet(db))

  function setUp(limits: Partial<FleetLimits> = {}) {
    const time = createFakeTime()
    const { writer, state } = createFragileWriter(createFleetWriter({ db }))
    const { log, lines } = createRecordingLog()
    const fleet = createFleetService({ db, writer, ...time, log, limits })
    /** Lets the time pass that reports wait for each other. */
    async function report(...reports: Parameters<typeof aReport>[0][]) {
      const stored = fleet.recordEvents(APP_ID, reports.map(aReport))
      await time.advance(25)
      await stored
    }
    return { fleet, devices: createTestDevices(db, fleet), time, state, lines, report }
  }

  test('a device is seen in the list right after its check', async () => {
    const { devices, fleet, time } = setUp()
    fleet.noteCheck(aNote({ cohorts: ['beta'], at: time.clock.now() }))
    expect(await devices.list(APP, {}, {})).toEqual({
      items: [
        {
          id: 'device-1',
          appId: APP_ID,
          platform: 'android',
          channel: 'production',
          nativeVersion: '1.0.0',
          runtimeVersion: null,
          attributes: {},
          dialect: null,
          trust: null,
          currentReleaseId: null,
          currentVersion: null,
          rolloutId: null,
          progress: [],
          failedReleaseIds: [],
          cohorts: ['beta'],
          lastDecision: 'up-to-date',
          lastReason: 'nothing-published',
          lastCheckAt: '2026-01-01T00:00:00.000Z',
          firstSeenAt: '2026-01-01T00:00:00.000Z',
          lastSeenAt: '2026-01-01T00:00:00.000Z',
          goneAt: null,
        },
      ],
      nextCursor: null,
    })
  })

  test('what a device refuses stands as it told it last, whatever it tells in between', async () => {
    const { devices, fleet, time } = setUp()
    const trust = { highWater: 20, floor: 3, keyIds: ['21fe31dfa154a261'], heldReleaseId: RELEASE_1 }
    const raised = { ...trust, highWater: 21, heldReleaseId: null, builtAt: Date.UTC(2027, 0, 31) }
    const shown = []
    for (const told of [undefined, trust, trust, undefined, raised, { ...raised, keyIds: [] }]) {
      await time.advance(1_000)
      fleet.noteCheck(aNote({ at: time.clock.now(), trust: told }))
      shown.push((await devices.get(APP, 'device-1')).trust)
    }
    const first = { ...trust, builtAt: null }
    const second = { ...raised, builtAt: '2027-01-31T00:00:00.000Z' }
    expect(shown).toEqual([null, first, first, first, second, { ...second, keyIds: [] }])
  })

  test('a report is stored once, however often it is sent', async () => {
    const { devices, report } = setUp()
    await report({}, {}, { eventId: 'e1', kind: 'downloaded' })
    await report({}, { eventId: 'e1', kind: 'downloaded' })
    const { events, currentReleaseId, currentVersion } = await devices.get(APP, 'device-1')
    expect(events.map(({ kind }) => kind).sort()).toEqual(['applied', 'downloaded'])
    expect({ currentReleaseId, currentVersion }).toEqual({ currentReleaseId: RELEASE_1, currentVersion: '1.0.0' })
  })

  test('reports of many devices share a transaction', async () => {
    const { fleet, time } = setUp()
    const ids = Array.from({ length: 50 }, (_, index) => `device-${index}`)
    const stored = Promise.all(ids.map((deviceId) => fleet.recordEvents(APP_ID, [aReport({ deviceId })])))
    await time.advance(25)
    await stored
    expect(fleet.counters()).toMatchObject({ writtenBatches: 1, writtenRows: 100 })
  })

  test('a failed release is known at once, and after a restart', async () => {
    const { devices, fleet, time } = setUp()
    const stored = fleet.recordEvents(APP_ID, [aReport({ kind: 'rolled-back' }), aReport({ kind: 'downloaded' })])
    expect(fleet.failedReleaseIds(APP_ID, 'device-1')).toEqual([RELEASE_1])
    await time.advance(25)
    await stored
    expect(await devices.get(APP, 'device-1')).toMatchObject({
      failedReleaseIds: [RELEASE_1],
      currentReleaseId: null,
      platform: 'any',
    })
    const restarted = setUp().fleet
    await restarted.start()
    expect(restarted.failedReleaseIds(APP_ID, 'device-1')).toEqual([RELEASE_1])
  })

  test('servers hear of each other’s failures', async () => {
    const here = setUp({ refreshFailuresMs: 5_000 })
    await here.fleet.start()
    const there = setUp()
    await there.report({ kind: 'crashed' })
    expect(here.fleet.failedReleaseIds(APP_ID, 'device-1')).toEqual([])
    await here.time.advance(5_000)
    await expect.poll(() => here.fleet.failedReleaseIds(APP_ID, 'device-1')).toEqual([RELEASE_1])
    await here.fleet.stop()
    await here.time.advance(20_000)
    expect(here.time.waiting()).toBe(0)
  })

  test('a report does not undo what a later check told', async () => {
    const { devices, fleet, time, report } = setUp()
    await report({ platform: 'ios', channel: 'beta' })
    fleet.noteCheck(aNote({ currentReleaseId: RELEASE_2, currentVersion: '2.0.0', at: time.clock.now() }))
    await devices.list(APP, {}, {})
    const receivedAt = time.clock.now()
    await report({ kind: 'failed', code: 'download-failed', occurredAt: receivedAt - 60_000 })
    expect(await devices.get(APP, 'device-1')).toMatchObject({
      platform: 'android',
      channel: 'production',
      currentReleaseId: RELEASE_2,
      failedReleaseIds: [],
      lastSeenAt: new Date(receivedAt).toISOString(),
    })
  })

  test('a device registers itself', async () => {
    const { devices, fleet, time } = setUp()
    for (const currentVersion of ['1.0.0', '1.1.0']) {
      const stored = fleet.registerDevice(APP_ID, { deviceId: 'device-1', platform: 'ios', currentVersion })
      await time.advance(25)
      await stored
    }
    const { platform, currentVersion, lastDecision, events } = await devices.get(APP, 'device-1')
    expect({ platform, currentVersion, lastDecision, events }).toEqual({
      platform: 'ios',
      currentVersion: '1.1.0',
      lastDecision: null,
      events: [],
    })
  })

  test('pages follow on each other while devices come and go', async () => {
    const { devices, fleet, time } = setUp()
    const check = (...ids: string[]) => {
      for (const deviceId of ids) fleet.noteCheck(aNote({ deviceId, at: time.clock.now() }))
    }
    check('d', 'e', 'a:1', 'ü')
    await time.advance(1_000)
    check('b', 'c')
    const first = await devices.list(APP, {}, { limit: 3 })
    await time.advance(1_000)
    check('new', 'c')
    const second = await devices.list(APP, {}, { limit: 3, cursor: first.nextCursor ?? '' })
    const ids = [...first.items, ...second.items].map(({ id }) => id)
    expect(ids.slice(0, 2)).toEqual(['c', 'b'])
    expect(ids.toSorted()).toEqual(['a:1', 'b', 'c', 'd', 'e', 'ü'])
    expect(second.nextCursor).toBeNull()
  })

  test.each([
    '',
    'x',
    'MTIz',
    Buffer.from('x:y').toString('base64url'),
    Buffer.from('1:').toString('base64url'),
    '%%%',
  ])('the cursor %j was not given by a page', async (cursor) => {
    const { devices } = setUp()
    await expect(devices.list(APP, {}, { cursor })).rejects.toMatchObject({ type: 'invalid-request' })
  })

  test('a device that never came is not found', async () => {
    const { devices } = setUp()
    await expect(devices.get(APP, 'nobody')).rejects.toMatchObject({ type: 'device-not-found' })
    expect(await devices.find(APP, 'nobody')).toBeUndefined()
  })

  test('device ids that cannot be stored are refused, and ignored in checks', async () => {
    const { fleet } = setUp()
    fleet.noteCheck(aNote({ deviceId: 'a\0b' }))
    expect(fleet.counters().bufferedNotes).toBe(0)
    await expect(fleet.recordEvents(APP_ID, [aReport({ deviceId: '' })])).rejects.toMatchObject({
      type: 'invalid-request',
    })
  })

  test('what PostgreSQL cannot store comes in changed form', async () => {
    const { devices, report } = setUp()
    await report({ kind: 'crashed', detail: 'a\0b\uD800', nativeVersion: '1\0' })
    const { events, nativeVersion } = await devices.get(APP, 'device-1')
    expect([events[0]?.detail, nativeVersion]).toEqual(['a\uFFFDb\uFFFD', '1\uFFFD'])
  })

  test('the database goes and comes back: reports are refused for now, nothing is lost', async () => {
    const { devices, fleet, time, state, lines } = setUp()
    state.isDown = true
    fleet.noteCheck(aNote({ deviceId: 'checked', at: time.clock.now() }))
    const refused = failureOf(fleet.recordEvents(APP_ID, [aReport()]))
    await time.advance(25)
    expect(await refused).toMatchObject({ type: 'unavailable' })
    await expect(devices.list(APP, {}, {})).rejects.toMatchObject({ type: 'unavailable' })
    expect(fleet.counters()).toMatchObject({ bufferedNotes: 1, bufferedEvents: 1, failedWrites: 2 })
    state.isDown = false
    const { items } = await devices.list(APP, {}, {})
    expect(items.map(({ id }) => id).sort()).toEqual(['checked', 'device-1'])
    expect(lines).toEqual([expect.stringMatching(/^error/), expect.stringMatching(/^info/)])
  })

  test('when too many reports wait, further ones are refused whole', async () => {
    const { fleet, time } = setUp({ maxReports: 2 })
    const stored = fleet.recordEvents(APP_ID, [aReport()])
    const two = [aReport({ deviceId: 'b', kind: 'crashed' }), aReport({ deviceId: 'c' })]
    await expect(fleet.recordEvents(APP_ID, two)).rejects.toMatchObject({
      type: 'too-many-requests',
      extensions: { retryAfterSeconds: 30 },
    })
    expect(fleet.failedReleaseIds(APP_ID, 'b')).toEqual([])
    expect(fleet.counters()).toMatchObject({ refusedReports: 2 })
    await time.advance(25)
    await stored
  })

  test('a row of an app that is gone does not hold up the fleet', async () => {
    const { devices, fleet, time } = setUp()
    for (let index = 0; index < 9; index++)
      fleet.noteCheck(aNote({ deviceId: `device-${index}`, at: time.clock.now() }))
    fleet.noteCheck(aNote({ appId: 'gone' }))
    expect((await devices.list(APP, {}, {})).items).toHaveLength(9)
    expect(fleet.counters()).toMatchObject({ refusedRows: 1, bufferedNotes: 0 })
  })

  test('stopping stores all that was told', async () => {
    const { fleet, time } = setUp()
    for (let index = 0; index < 1_234; index++) {
      fleet.noteCheck(aNote({ deviceId: `device-${index}`, at: time.clock.now() }))
    }
    const stored = fleet.recordEvents(APP_ID, [aReport({ deviceId: 'reporter' })])
    await fleet.stop()
    await stored
    const { count } = await db
      .selectFrom('device')
      .select((query) => query.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(count).toBe(1_235)
    await expect(fleet.recordEvents(APP_ID, [aReport()])).rejects.toMatchObject({ type: 'unavailable' })
  })

  describe('a device that is forgotten while it is being written', () => {
    async function forgetInFlight(isDown: boolean) {
      const { fleet, time, state } = setUp()
      const hold = Promise.withResolvers<void>()
      state.hold = hold.promise
      fleet.noteCheck(aNote({ at: time.clock.now() }))
      const reported = failureOf(fleet.recordEvents(APP_ID, [aReport({ kind: 'crashed' })]))
      await time.advance(25)
      const forgotten = fleet.forget(APP_ID, 'device-1', async () => {
        for (const table of ['device', 'device_event', 'device_failure'] as const) await db.deleteFrom(table).execute()
      })
      state.isDown = isDown
      hold.resolve()
      await forgotten
      await reported
      state.isDown = false
      await fleet.settle()
      expect(fleet.failedReleaseIds(APP_ID, 'device-1')).toEqual([])
      for (const table of ['device', 'device_event', 'device_failure'] as const) {
        expect(await db.selectFrom(table).selectAll().execute()).toEqual([])
      }
    }

    test('does not come back', () => forgetInFlight(false))
    test('does not come back with the next try either', () => forgetInFlight(true))
  })

  describe('a flood of invented devices', () => {
    const limits = { maxNotes: 200, maxReports: 40, knownAfterMs: 600_000 }
    const devicesOf = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`)

    /** A fleet that was there before the server started. */
    async function setUpFleet(deviceIds: readonly string[]) {
      const first = setUp()
      for (const deviceId of deviceIds)
        first.fleet.noteCheck(aNote({ deviceId, at: first.time.clock.now() - 3_600_000 }))
      await first.fleet.settle()
      const { fleet, devices, time } = setUp(limits)
      await fleet.start()
      await fleet.whenLearnt()
      return { fleet, devices, time }
    }

    test('drops none of the checks of the fleet, and says how many it dropped', async () => {
      const ofTheFleet = devicesOf('device', 150)
      const { fleet, time } = await setUpFleet(ofTheFleet)
      const at = time.clock.now()
      for (const deviceId of devicesOf('invented', 5_000)) fleet.noteCheck(aNote({ deviceId, at }))
      for (const deviceId of ofTheFleet) fleet.noteCheck(aNote({ deviceId, at }))
      await fleet.settle()
      const checked = await db.selectFrom('device').select('device_id').where('last_check_at', '=', at).execute()
      const stored = new Set(checked.map((row) => row.device_id))
      expect(ofTheFleet.filter((deviceId) => !stored.has(deviceId))).toEqual([])
      const { droppedNotes, droppedStrangers } = fleet.counters()
      expect([droppedNotes, droppedStrangers]).toEqual([4_950, 4_950])
      // Every check counts, also those that were not noted.
      const { checks } = await db
        .selectFrom('check_hour')
        .select(({ fn }) => fn.sum<string>('checks').as('checks'))
        .where('hour_at', '=', at - (at % 3_600_000))
        .executeTakeFirstOrThrow()
      expect(Number(checks)).toBe(5_150)
      await fleet.stop()
    })

    test('is refused its reports, while the fleet reports', async () => {
      const { fleet, time } = await setUpFleet(devicesOf('device', 20))
      const invented = devicesOf('invented', 12).map((deviceId) =>
        failureOf(fleet.recordEvents(APP_ID, [aReport({ deviceId })])),
      )
      const honest = devicesOf('device', 20).map((deviceId) =>
        failureOf(fleet.recordEvents(APP_ID, [aReport({ deviceId })])),
      )
      await time.advance(25)
      expect((await Promise.all(honest)).filter(Boolean)).toEqual([])
      expect((await Promise.all(invented)).filter(Boolean)).toMatchObject([
        { type: 'too-many-requests' },
        { type: 'too-many-requests' },
      ])
      expect(fleet.counters()).toMatchObject({ refusedReports: 2, refusedStrangers: 2 })
      await fleet.stop()
    })

    test('whoever came in it becomes one of the fleet when it is over', async () => {
      const { fleet, time } = await setUpFleet([])
      fleet.noteCheck(aNote({ deviceId: 'new', at: time.clock.now() }))
      await fleet.settle()
      await time.advance(1_200_000)
      for (const deviceId of devicesOf('invented', 100)) fleet.noteCheck(aNote({ deviceId }))
      fleet.noteCheck(aNote({ deviceId: 'new', at: time.clock.now() }))
      await fleet.settle()
      const row = await db.selectFrom('device').select('last_seen_at').where('device_id', '=', 'new').executeTakeFirst()
      expect(row?.last_seen_at).toBe(time.clock.now())
      await fleet.stop()
    })
  })

  describe('events for which there is no room', () => {
    const failing = (deviceId: string, index: number) => ({
      deviceId,
      eventId: `${deviceId}-${index}`,
      kind: 'failed' as const,
      detail: 'd'.repeat(700),
    })
    const storedOf = async (deviceId: string) => {
      const rows = await db.selectFrom('device_event').select('id').where('device_id', '=', deviceId).execute()
      return rows.length
    }
    const usage = () => db.selectFrom('event_usage').selectAll().executeTakeFirst()

    test('of one device on one day are counted, and others are stored', async () => {
      const { fleet, report, time } = setUp({ deviceEventsPerDay: 3 })
      for (let index = 0; index < 5; index++) await report(failing('chatty', index))
      await report(failing('quiet', 0))
      await fleet.settle()
      expect([await storedOf('chatty'), await storedOf('quiet')]).toEqual([3, 1])
      expect(await usage()).toMatchObject({ events: 4, not_kept: 2 })
      expect(fleet.counters()).toMatchObject({ eventsNotKept: 2 })
      // And when it was, for whoever looks at a time of which they are missing.
      const unkept = await db.selectFrom('unkept_hour').selectAll().execute()
      expect(unkept.map(({ events }) => events)).toEqual([2])
      expect(unkept[0]?.hour_at).toBe(time.clock.now() - (time.clock.now() % 3_600_000))
      await time.advance(86_400_000)
      await report(failing('chatty', 9))
      expect(await storedOf('chatty')).toBe(4)
    })

    test('give way, while what is known of devices stays true', async () => {
      const { fleet, report, devices } = setUp({ maxAppEventBytes: 10_000 })
      await fleet.start()
      for (let index = 0; index < 30; index++) await report(failing(`device-${index}`, 0))
      await report({ ...failing('late', 0), kind: 'confirmed', version: '1.0.0' })
      await fleet.settle()
      const { events = 0, bytes = 0, not_kept = 0 } = (await usage()) ?? {}
      expect(bytes).toBeLessThanOrEqual(10_000)
      expect(events + not_kept).toBe(31)
      expect(not_kept).toBeGreaterThan(15)
      expect(await storedOf('late')).toBe(0)
      const { items } = await devices.list(APP, {}, { limit: 100 })
      expect(items).toHaveLength(31)
      expect(items.find(({ id }) => id === 'late')).toMatchObject({ currentReleaseId: RELEASE_1 })
      expect(items.find(({ id }) => id === 'device-29')).toMatchObject({ failedReleaseIds: [RELEASE_1] })
      await fleet.stop()
    })

    test('that were counted are counted once, however often the batch is written', async () => {
      const { fleet, report, state } = setUp({ deviceEventsPerDay: 1 })
      await report(failing('chatty', 0))
      expect(state).toBeDefined()
      await report(failing('chatty', 1))
      await fleet.settle()
      await fleet.settle()
      expect(await usage()).toMatchObject({ events: 1, not_kept: 1 })
    })
  })
})
