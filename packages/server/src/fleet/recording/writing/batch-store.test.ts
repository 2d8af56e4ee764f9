import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../../ground/clock.ts'
import type { Database, Schema } from '../../../ground/database/schema.ts'
import { writeFleetBatch } from './batch-store.ts'
import { readRegistration, readReport, rowOfNote, type DeviceNote, type DeviceReport } from '../device-report.ts'
import { findDevice } from '../../devices/device-store.ts'
import type { FleetBatch } from './fleet-batch.ts'
import { listFailuresSince } from '../fleet-store.ts'
import { PROGRESS, sumRolloutHours } from '../../progress/rollout-progress.ts'
import { aBatch, aNote, APP_ID, aReport, forgetFleet, insertApp, RELEASE_1 } from '../testing/fixtures.ts'

/** A Thursday. */
const NOON = Date.UTC(2026, 0, 1, 12)
const ROLLOUT = 'rollout-1'

describeOnEveryDatabase('fleet batches', (open, database) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await insertApp(db)
  })
  beforeEach(() => forgetFleet(db))

  const device = (id = 'device-1') => findDevice(db, APP_ID, id)
  const write = (changes: Partial<FleetBatch>) => writeFleetBatch(db, aBatch(changes))
  const check = (...notes: Partial<DeviceNote>[]) => write({ notes: notes.map((note) => aNote(note)) })
  const report = (receivedAt: number, ...reports: Partial<DeviceReport>[]) =>
    write({ reports: reports.map((changes) => readReport(APP_ID, aReport(changes), receivedAt)) })
  const rollout = { id: ROLLOUT, startedAt: NOON - 24 * HOUR_MS }

  describe('a device', () => {
    test('a check replaces what the one before told', async () => {
      await check({ currentReleaseId: RELEASE_1, nativeVersion: '1.0.0', attributes: { model: 'Pixel 8' }, at: 1_000 })
      const later = aNote({
        channel: 'beta',
        cohorts: ['a'],
        nativeVersion: null,
        attributes: { osVersion: '15' },
        at: 2_000,
      })
      await write({ notes: [later] })
      expect(await device()).toEqual({
        ...rowOfNote(later),
        native_version: '1.0.0',
        attributes: JSON.stringify({ osVersion: '15', model: 'Pixel 8' }),
        first_check_at: 1_000,
        established_at: 1_000,
        first_seen_at: 1_000,
      })
    })

    test('what is older than the row changes nothing in it', async () => {
      await check({ at: 5_000 })
      const before = await device()
      await check({ channel: 'beta', currentReleaseId: RELEASE_1, at: 4_999 })
      await report(4_999, { channel: 'beta' }, { kind: 'downloaded' })
      expect(await device()).toEqual(before)
    })

    test('a report of what happened before its last check does not say what it runs now', async () => {
      const [applied, checked] = [NOON, NOON + HOUR_MS]
      await check({ currentReleaseId: null, currentVersion: null, at: checked })
      // It rolled back by itself: the check said so, and its reports come after it.
      await report(checked + 1, { kind: 'applied', rollout, occurredAt: applied }, { kind: 'rolled-back', rollout })
      expect(await device()).toMatchObject({ current_release_id: null, last_seen_at: checked + 1 })
      expect((await sumRolloutHours(db, [ROLLOUT])).get(ROLLOUT)).toMatchObject({ applied: 1, rolled_back: 1 })
      await report(checked + 3, { kind: 'confirmed', rollout, occurredAt: checked + 2 })
      expect(await device()).toMatchObject({ current_release_id: RELEASE_1 })
    })

    test('a report changes what it tells', async () => {
      await check({ cohorts: ['a'], at: 1_000 })
      await report(2_000, { kind: 'applied' })
      await report(3_000, { kind: 'downloaded', attributes: { model: 'Pixel 9' } })
      const told = { platform: 'android', channel: 'production', current_release_id: RELEASE_1, cohorts: '["a"]' }
      expect(await device()).toMatchObject({
        ...told,
        attributes: '{"model":"Pixel 9"}',
        last_check_at: 1_000,
        last_seen_at: 3_000,
      })
      await report(4_000, { kind: 'confirmed', platform: 'ios', channel: 'beta' })
      expect(await device()).toMatchObject({ platform: 'ios', channel: 'beta', current_release_id: RELEASE_1 })
    })

    test('may be first known by a report, or by a registration', async () => {
      await report(2_000, { kind: 'crashed' })
      expect(await device()).toMatchObject({
        platform: 'any',
        channel: '',
        current_version: null,
        first_seen_at: 2_000,
      })
      await write({ reports: [readRegistration(APP_ID, { deviceId: 'new', currentVersion: '1.0.0' }, 3_000)] })
      expect(await device('new')).toMatchObject({ current_version: '1.0.0', last_decision: null })
    })

    test('that comes back is not gone any more', async () => {
      await check({ at: 1_000 })
      await db.updateTable('device').set({ gone_at: 2_000 }).execute()
      await check({ at: 500 })
      expect(await device()).toMatchObject({ gone_at: 2_000 })
      await check({ at: 3_000 })
      expect(await device()).toMatchObject({ gone_at: null })
    })

    test('of which several things are told at once ends as the last of them says', async () => {
      const batch = {
        notes: [aNote({ at: 3_000, channel: 'beta' }), aNote({ at: 1_000, channel: 'alpha' })],
        reports: [readReport(APP_ID, aReport({ kind: 'applied' }), 2_000)],
      }
      await write(batch)
      expect(await device()).toMatchObject({ channel: 'beta', current_release_id: null, first_seen_at: 1_000 })
    })
  })

  describe('how far a device came with a rollout', () => {
    const offered = { rolloutId: ROLLOUT, isOffer: true, decision: 'update', reason: 'percentage' }
    const runs = { rolloutId: ROLLOUT, currentReleaseId: RELEASE_1, currentVersion: '1.0.0' }
    const hours = () => db.selectFrom('rollout_hour').selectAll().orderBy('hour_at').execute()
    const figures = async () => (await sumRolloutHours(db, [ROLLOUT])).get(ROLLOUT)

    test('is counted once for each step, in the hour in which it happened', async () => {
      await check({ ...offered, at: NOON })
      await check({ ...offered, at: NOON + HOUR_MS })
      const later = NOON + 2 * HOUR_MS
      await report(later, { kind: 'applied', rollout, occurredAt: NOON + HOUR_MS })
      await check({ ...runs, at: later }, { ...runs, deviceId: 'device-2', at: later })
      expect(await hours()).toMatchObject([
        { hour_at: NOON, offered: 1, attempted: 0 },
        { hour_at: NOON + HOUR_MS, offered: 0, applied: 1, running: 0, attempted: 1 },
        { hour_at: later, applied: 0, running: 2, attempted: 1, attempted_bad: 0 },
      ])
      const { offered: wasOffered, applied, running } = PROGRESS
      expect(await device()).toMatchObject({ rollout_id: ROLLOUT, progress: wasOffered | applied | running })
    })

    test('a failure counts in the hour of the attempt, however late it comes', async () => {
      await check({ ...runs, at: NOON })
      await report(NOON + 30 * HOUR_MS, { kind: 'crashed', rollout }, { kind: 'rolled-back', rollout })
      expect(await hours()).toMatchObject([
        { hour_at: NOON, attempted: 1, attempted_bad: 1, crashed: 0 },
        { hour_at: NOON + 30 * HOUR_MS, attempted: 0, attempted_bad: 0, crashed: 1, rolled_back: 1 },
      ])
    })

    test('a download that failed is no attempt', async () => {
      await report(NOON, { kind: 'failed', code: 'download-timeout', rollout }, { kind: 'download-started', rollout })
      expect(await figures()).toMatchObject({ download_failed: 1, download_started: 1, failed: 0, attempted: 0 })
      expect(await listFailuresSince(db, 0, 10)).toEqual([])
    })

    test('what came late counts when it happened, but not before the rollout, nor in the future', async () => {
      const startedAt = NOON - 5 * HOUR_MS
      const at = (occurredAt: number, deviceId: string) => ({
        occurredAt,
        deviceId,
        rollout: { id: ROLLOUT, startedAt },
      })
      await report(NOON, at(NOON - 2 * HOUR_MS, 'late'), at(NOON - 9 * HOUR_MS, 'slow'), at(NOON + HOUR_MS, 'fast'))
      expect((await hours()).map(({ hour_at, applied }) => [(hour_at - NOON) / HOUR_MS, applied])).toEqual([
        [-5, 1],
        [-2, 1],
        [0, 1],
      ])
    })

    test('a clock that is off is corrected by what it showed when the report was sent', async () => {
      const skew = 3 * HOUR_MS
      await report(NOON, { rollout, occurredAt: NOON - HOUR_MS - skew, sentAt: NOON - skew })
      await report(NOON, { rollout, deviceId: 'ahead', occurredAt: NOON - HOUR_MS + skew, sentAt: NOON + skew })
      expect(await hours()).toMatchObject([{ hour_at: NOON - HOUR_MS, applied: 2 }])
    })

    test('bytes are added for each event that is new', async () => {
      const eventId = '01970000-0000-7000-8000-0000000000e1'
      const downloaded = { kind: 'downloaded' as const, rollout, receivedBytes: 1_000 }
      await report(NOON, { ...downloaded, eventId }, { ...downloaded, eventId })
      await report(NOON, { ...downloaded, eventId })
      await report(NOON, { ...downloaded, eventId: 'again' })
      expect(await figures()).toMatchObject({ downloaded: 1, received_bytes: 2_000 })
    })

    test('with another rollout in between it is remembered', async () => {
      for (const [index, rolloutId] of ['one', 'two', 'one', 'two', 'one'].entries()) {
        await check({ ...runs, rolloutId, at: NOON + index * HOUR_MS })
      }
      const sums = await sumRolloutHours(db, ['one', 'two'])
      expect([sums.get('one')?.running, sums.get('two')?.running]).toEqual([1, 1])
      expect(await device()).toMatchObject({ rollout_id: 'one', progress: PROGRESS.running })
    })

    test('in one batch is counted as in many', async () => {
      await check(
        { ...runs, rolloutId: 'one', at: NOON },
        { ...offered, rolloutId: 'two', at: NOON + 1 },
        { ...runs, rolloutId: 'two', at: NOON + 2 },
        { ...runs, rolloutId: 'one', at: NOON + 3 },
      )
      await check({ ...runs, rolloutId: 'two', at: NOON + 4 }, { ...runs, rolloutId: 'one', at: NOON + 5 })
      const sums = await sumRolloutHours(db, ['one', 'two'])
      expect(sums.get('one')).toMatchObject({ offered: 0, running: 1, attempted: 1 })
      expect(sums.get('two')).toMatchObject({ offered: 1, running: 1, attempted: 1 })
    })

    test('the steady state touches only the device', async () => {
      await check({ ...runs, at: NOON })
      const before = await db.selectFrom('rollout_device').selectAll().execute()
      await db.updateTable('rollout_device').set({ progress: 0 }).execute()
      await check({ ...runs, at: NOON + 1 })
      expect(await figures()).toMatchObject({ running: 1 })
      expect(before).toMatchObject([{ progress: PROGRESS.running, attempted_at: NOON, changed_at: NOON }])
    })
  })

  describe('what a report is about', () => {
    const figuresOf = async (id: string) => (await sumRolloutHours(db, [id])).get(id)
    const unclear = { id: 'rollout-new', startedAt: 0, others: [ROLLOUT, 'rollout-old'] }

    test.each([
      [ROLLOUT, ROLLOUT],
      ['rollout-old', 'rollout-old'],
      ['rollout-elsewhere', 'rollout-new'],
    ])('of several rollouts of its release is the one that the device is with (%s)', async (checked, counted) => {
      await check({ rolloutId: checked, isOffer: true, at: 1_000 })
      await report(2_000, { kind: 'crashed', rollout: unclear })
      expect(await figuresOf(counted)).toMatchObject({ crashed: 1 })
      const [event] = await db.selectFrom('device_event').select('rollout_id').execute()
      expect(event).toEqual({ rollout_id: counted })
    })

    test('is known from a check in the same batch as well', async () => {
      const reports = [readReport(APP_ID, aReport({ kind: 'applied', rollout: unclear }), 2_000)]
      const notes = [aNote({ rolloutId: ROLLOUT, isOffer: true, at: 1_000 })]
      await write({ notes, reports })
      await write({ notes, reports })
      expect(await figuresOf(ROLLOUT)).toMatchObject({ offered: 1, applied: 1 })
    })

    test('is not the health of the release when the device only refused to go back', async () => {
      for (const code of ['sequence-too-low', 'below-floor']) {
        await report(2_000, { kind: 'failed', code, rollout, eventId: code })
      }
      expect(await figuresOf(ROLLOUT)).toMatchObject({ failed: 0, attempted: 0, attempted_bad: 0 })
      await report(3_000, { kind: 'failed', code: 'signature-invalid', rollout, eventId: 'x' })
      expect(await figuresOf(ROLLOUT)).toMatchObject({ failed: 1, attempted: 1, attempted_bad: 1 })
    })
  })

  describe('what the server concludes', () => {
    const events = () => db.selectFrom('device_event').selectAll().orderBy('received_at').execute()

    test('that a release was offered, once for each rollout', async () => {
      for (const at of [1_000, 2_000]) await check({ rolloutId: ROLLOUT, isOffer: true, at })
      await check({ rolloutId: 'rollout-2', isOffer: true, at: 3_000 })
      const offers = db.selectFrom('rollout_device').select(['rollout_id', 'offered_at']).orderBy('offered_at')
      expect(await offers.execute()).toEqual([
        { rollout_id: ROLLOUT, offered_at: 1_000 },
        { rollout_id: 'rollout-2', offered_at: 3_000 },
      ])
      expect(await events()).toEqual([])
    })

    test('that the shell was updated', async () => {
      await check({ nativeVersion: '1.0', at: 1_000 })
      await check({ nativeVersion: null, at: 1_500 })
      await check({ nativeVersion: '1.1', at: 2_000 }, { nativeVersion: '1.2', at: 3_000 })
      await check({ nativeVersion: '1.1', at: 2_000 }, { nativeVersion: '1.2', at: 3_000 })
      expect(await events()).toMatchObject([
        { kind: 'native-updated', detail: '1.0 → 1.1', occurred_at: 2_000 },
        { kind: 'native-updated', detail: '1.1 → 1.2', occurred_at: 3_000 },
      ])
    })
  })

  describe('active devices', () => {
    const counted = (period: Schema['activity']['period']) =>
      db
        .selectFrom('activity')
        .select(['starts_at', 'version', 'channel', 'devices'])
        .where('period', '=', period)
        .orderBy('starts_at')
        .orderBy('version')
        .execute()

    test('a device counts once in each period, by what it ran when it came first', async () => {
      const at = (day: number, hour: number) => Date.UTC(2026, 0, day, hour)
      const runs = (version: string, ...times: number[]) =>
        times.map((time) => ({ currentReleaseId: version, currentVersion: version, at: time }))
      await check(...runs('1.0.0', at(1, 10), at(1, 11), at(1, 11) + 5))
      await check(...runs('1.1.0', at(1, 11) + 9, at(2, 0), at(4, 23), at(5, 0), at(31, 23)))
      await check({ deviceId: 'embedded', at: at(1, 11) })
      const day = 24 * HOUR_MS
      expect(await counted('hour')).toHaveLength(7)
      expect((await counted('day')).map(({ starts_at, version }) => [(starts_at - at(1, 0)) / day, version])).toEqual([
        [0, ''],
        [0, '1.0.0'],
        [1, '1.1.0'],
        [3, '1.1.0'],
        [4, '1.1.0'],
        [30, '1.1.0'],
      ])
      // The first of January was a Thursday: its week began in December.
      expect((await counted('week')).map(({ starts_at }) => (starts_at - at(1, 0)) / day)).toEqual([-3, -3, 4, 25])
      expect(await counted('month')).toEqual([
        { starts_at: at(1, 0), version: '', channel: 'production', devices: 1 },
        { starts_at: at(1, 0), version: '1.0.0', channel: 'production', devices: 1 },
      ])
    })

    test('a report shows the device, too', async () => {
      await report(NOON, { kind: 'applied', deviceId: 'a' }, { kind: 'downloaded', deviceId: 'b' })
      expect(await counted('day')).toMatchObject([
        { version: '', devices: 1 },
        { version: '1.0.0', devices: 1 },
      ])
    })
  })

  describe('what is counted in memory', () => {
    const packet = (number: number, count: number, source = 'source-1') => ({
      source,
      number,
      checks: [
        {
          app_id: APP_ID,
          hour_at: NOON,
          platform: 'ios' as const,
          channel: 'production',
          decision: 'update',
          reason: 'percentage',
          checks: count,
        },
      ],
      downloads: [{ sha256: 'aa', release_id: 'r', hour_at: NOON, downloads: count, sent_bytes: count * 10 }],
      notKept: [],
    })

    test('is added up, each packet once', async () => {
      for (const counts of [packet(1, 2), packet(1, 2), packet(2, 5), packet(2, 5), packet(1, 2)]) {
        await write({ counts })
      }
      await write({ counts: packet(1, 100, 'source-2') })
      const { checks } = await db.selectFrom('check_hour').select('checks').executeTakeFirstOrThrow()
      expect(checks).toBe(107)
      expect(await db.selectFrom('download_hour').selectAll().execute()).toEqual([
        { sha256: 'aa', release_id: 'r', hour_at: NOON, downloads: 107, sent_bytes: 1_070 },
      ])
    })
  })

  test('a failure is stored once, when it was written first', async () => {
    const reports = [readReport(APP_ID, aReport({ kind: 'crashed' }), 1_000)]
    await write({ reports, writtenAt: 5_000 })
    await write({ reports, writtenAt: 9_000 })
    expect(await listFailuresSince(db, 0, 10)).toEqual([
      { app_id: APP_ID, device_id: 'device-1', release_id: RELEASE_1, failed_at: 5_000 },
    ])
  })

  test('a batch is written whole or not at all', async () => {
    await expect(check({}, { appId: 'gone', deviceId: 'other' })).rejects.toThrow()
    expect(await device()).toBeUndefined()
    expect(await db.selectFrom('activity').selectAll().execute()).toEqual([])
  })

  test('every value of a large batch lands in its own column', async () => {
    const notes = Array.from({ length: 230 }, (_, index) =>
      aNote({
        deviceId: `device-${index}`,
        channel: `channel-${index}`,
        nativeVersion: `1.${index}`,
        runtimeVersion: `runtime-${index}`,
        attributes: { osVersion: `os-${index}`, model: `model-${index}`, nativeBuild: `build-${index}` },
        dialect: `dialect-${index}`,
        currentReleaseId: `release-${index}`,
        currentVersion: `2.${index}`,
        cohorts: [`${index}`],
        decision: `decision-${index}`,
        reason: `reason-${index}`,
        rolloutId: `rollout-${index}`,
        at: 5_000 + index,
      }),
    )
    for (let times = 0; times < 2; times++) {
      await write({ notes })
      for (const note of [notes[0], notes[99], notes[100], notes[229]]) {
        const row = note && {
          ...rowOfNote(note),
          established_at: note.at,
          rollout_id: note.rolloutId,
          progress: PROGRESS.running,
        }
        expect(await device(note?.deviceId)).toEqual(row)
      }
    }
  })

  test('a batch of thousands of rows', async () => {
    const ids = Array.from({ length: 3_001 }, (_, index) => `device-${index}`)
    const notes = ids.map((deviceId) => aNote({ deviceId, rolloutId: ROLLOUT, isOffer: true, at: NOON }))
    const reports = ids.map((deviceId) => readReport(APP_ID, aReport({ deviceId, rollout }), NOON))
    await write({ notes, reports })
    const sums = await sumRolloutHours(db, [ROLLOUT])
    expect(sums.get(ROLLOUT)).toMatchObject({ offered: 3_001, applied: 3_001, attempted: 3_001 })
    expect(await device('device-3000')).toMatchObject({ current_release_id: RELEASE_1 })
  })

  test.skipIf(database !== 'postgres')(
    'servers that write the same devices at once count each of them once',
    async () => {
      const ids = Array.from({ length: 250 }, (_, index) => `${index % 2 ? 'Device' : 'device'}-ü${index}`)
      const batchOf = (server: number, round: number) => {
        // Each server has most of the devices, in an order of its own.
        const order = ids.filter((_, index) => (index + server + round) % 5 > 0).sort(() => (server % 2 ? 1 : -1))
        const at = NOON + round * 60_000
        return aBatch({
          notes: order.map((deviceId) => aNote({ deviceId, rolloutId: ROLLOUT, isOffer: round % 2 === 0, at })),
          reports: order.slice(0, 100).map((deviceId) => readReport(APP_ID, aReport({ deviceId, rollout }), at)),
          counts: {
            source: `server-${server}`,
            number: round + 1,
            checks: [],
            downloads: [{ sha256: 'aa', release_id: 'r', hour_at: NOON, downloads: 1, sent_bytes: 1 }],
            notKept: [],
          },
        })
      }
      const server = async (index: number) => {
        for (let round = 0; round < 15; round++) await writeFleetBatch(db, batchOf(index, round))
      }
      await Promise.all([server(0), server(1), server(2), server(3)])
      const sums = await sumRolloutHours(db, [ROLLOUT])
      expect(sums.get(ROLLOUT)).toMatchObject({ offered: 250, running: 250, attempted: 250, applied: 250 })
      const active = await db.selectFrom('activity').select('devices').where('period', '=', 'day').execute()
      expect(active.reduce((sum, { devices }) => sum + devices, 0)).toBe(250)
      const { downloads } = await db.selectFrom('download_hour').select('downloads').executeTakeFirstOrThrow()
      expect(downloads).toBe(60)
    },
  )
})
