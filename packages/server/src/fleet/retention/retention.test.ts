import { join } from 'node:path'
import { describeOnEveryDatabase, temporaryDirectory } from '@hotpatch/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../../ground/database/migrate.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database, Schema } from '../../ground/database/schema.ts'
import { DAY_MS, type Timers } from '../../ground/clock.ts'
import { createRetention, RETENTION_LIMITS, sweepHere, sweepInThread } from './retention.ts'
import { createFakeTime } from '../recording/testing/fake-time.ts'
import { aDeviceRow, APP_ID, createRecordingLog, insertApp, RELEASE_1 } from '../recording/testing/fixtures.ts'
import { NO_TRACES } from '../../ground/traces/traces.ts'

const NOW = Date.UTC(2027, 0, 1)
const daysAgo = (days: number) => NOW - days * DAY_MS
const OTHER_APP = '01970000-0000-7000-8000-000000000002'

const parts = () => ({ traces: NO_TRACES, log: createRecordingLog().log, raise: () => Promise.resolve() })

/** Pauses take no time. */
const timers: Timers = {
  after(_delayMs, run) {
    setImmediate(run)
    return () => undefined
  },
}

describeOnEveryDatabase('retention', (open) => {
  let db: Database
  beforeEach(async () => {
    db ??= await openWithRollouts(await open())
    for (const table of ['device', 'device_event', 'device_failure', 'rollout_device', 'fleet_source'] as const) {
      await db.deleteFrom(table).execute()
    }
    await db.deleteFrom('server_setting').execute()
  })

  function createSweeper(limits: Partial<typeof RETENTION_LIMITS> = {}) {
    return createRetention({ runSweep: sweepHere(db, timers), clock: { now: () => NOW }, timers, ...parts(), limits })
  }

  const insertDevices = (...rows: Partial<Schema['device']>[]) =>
    db
      .insertInto('device')
      .values(rows.map((row) => aDeviceRow(row)))
      .execute()
  const insertEvents = (...rows: Partial<Schema['device_event']>[]) =>
    db
      .insertInto('device_event')
      .values(rows.map((row, index) => anEvent({ id: `event-${index}`, ...row })))
      .execute()
  const insertProgress = (...rows: [deviceId: string, rolloutId: string, changedAt: number][]) =>
    db
      .insertInto('rollout_device')
      .values(rows.map(([device_id, rollout_id, changed_at]) => progress(device_id, rollout_id, changed_at)))
      .execute()
  const deviceIds = async () =>
    (await db.selectFrom('device').select('device_id').orderBy('device_id').execute()).map((row) => row.device_id)

  describe('events', () => {
    test('are deleted when they are older than their app keeps them', async () => {
      await insertEvents(
        { id: 'kept', received_at: daysAgo(90) },
        { id: 'old', received_at: daysAgo(90) - 1 },
        { id: 'late', occurred_at: daysAgo(200), received_at: daysAgo(1) },
        { id: 'of-another', app_id: OTHER_APP, received_at: daysAgo(8) },
        { id: 'kept-of-another', app_id: OTHER_APP, received_at: daysAgo(7) },
      )
      expect(await createSweeper().sweep()).toMatchObject({ events: 2 })
      const left = await db.selectFrom('device_event').select('id').orderBy('id').execute()
      expect(left.map(({ id }) => id)).toEqual(['kept', 'kept-of-another', 'late'])
    })

    test('are deleted in small statements', async () => {
      await insertEvents(...Array.from({ length: 25 }, () => ({ received_at: daysAgo(100) })))
      expect(await createSweeper({ rows: 10 }).sweep()).toMatchObject({ events: 25 })
    })
  })

  describe('progress', () => {
    test('is deleted when it is old, unless it is of what the device was offered last or runs', async () => {
      await insertDevices({ device_id: 'a', rollout_id: 'new', last_seen_at: NOW })
      await insertProgress(
        ['a', 'old', daysAgo(91)],
        ['a', 'new', daysAgo(91)],
        ['a', 'recent', daysAgo(89)],
        ['b', 'old', daysAgo(91)],
        ['b', 'of-another', daysAgo(8)],
      )
      expect(await createSweeper({ rows: 2 }).sweep()).toMatchObject({ progress: 3 })
      const left = await db.selectFrom('rollout_device').selectAll().orderBy('rollout_id').execute()
      expect(left.map((row) => `${row.device_id} ${row.rollout_id}`)).toEqual(['a new', 'a recent'])
    })

    test('is looked at a part in each sweep, also after a restart', async () => {
      await insertProgress(
        ...Array.from(
          { length: 10 },
          (_, index) => [`device-${index}`, 'old', daysAgo(91)] as [string, string, number],
        ),
      )
      const limits = { rows: 2, progressRows: 4 }
      expect(await createSweeper(limits).sweep()).toMatchObject({ progress: 4 })
      expect(await createSweeper(limits).sweep()).toMatchObject({ progress: 4 })
      expect(await createSweeper(limits).sweep()).toMatchObject({ progress: 2 })
      await insertProgress(['device-0', 'old', daysAgo(91)])
      expect(await createSweeper(limits).sweep()).toMatchObject({ progress: 1 })
    })
  })

  describe('a device', () => {
    test('that was not seen for 30 days counts as uninstalled, which is an event', async () => {
      const running = { current_release_id: RELEASE_1, current_version: '1.0.0', rollout_id: 'new' }
      await insertDevices(
        { device_id: 'seen', last_seen_at: daysAgo(30) },
        { device_id: 'gone', last_seen_at: daysAgo(31), ...running },
        { device_id: 'gone-before', last_seen_at: daysAgo(50), gone_at: daysAgo(20) },
      )
      const sweeper = createSweeper({ rows: 1 })
      expect(await sweeper.sweep()).toMatchObject({ gone: 1 })
      const gone = await db.selectFrom('device').select(['device_id', 'gone_at']).orderBy('device_id').execute()
      expect(gone.map((row) => row.gone_at)).toEqual([daysAgo(1), daysAgo(20), null])
      expect(await db.selectFrom('device_event').selectAll().execute()).toEqual([
        expect.objectContaining({
          device_id: 'gone',
          kind: 'uninstalled-unknown',
          release_id: RELEASE_1,
          version: '1.0.0',
          rollout_id: 'new',
          occurred_at: daysAgo(1),
          received_at: NOW,
        }),
      ])
      expect(await sweeper.sweep()).toMatchObject({ gone: 0 })
    })

    test('that was not seen for longer than the app remembers devices is forgotten', async () => {
      await insertDevices(
        { device_id: 'kept', last_seen_at: daysAgo(400), gone_at: daysAgo(370) },
        { device_id: 'old', last_seen_at: daysAgo(401), gone_at: daysAgo(371) },
        { device_id: 'old', app_id: OTHER_APP, last_seen_at: daysAgo(11) },
      )
      await insertEvents({ device_id: 'old', received_at: daysAgo(1) }, { device_id: 'kept', received_at: daysAgo(1) })
      await insertProgress(['old', 'new', daysAgo(1)], ['kept', 'new', daysAgo(1)], ['old', 'of-another', daysAgo(1)])
      await db
        .insertInto('device_failure')
        .values({ app_id: APP_ID, device_id: 'old', release_id: RELEASE_1, failed_at: daysAgo(401) })
        .execute()
      expect(await createSweeper({ forgottenAtOnce: 1 }).sweep()).toMatchObject({ forgotten: 2 })
      expect(await deviceIds()).toEqual(['kept'])
      for (const table of ['device_event', 'rollout_device', 'device_failure'] as const) {
        const left = await db.selectFrom(table).select('device_id').execute()
        expect(left.filter((row) => row.device_id === 'old')).toEqual([])
      }
    })
  })

  test('two servers may sweep at once', async () => {
    const many = Array.from({ length: 60 }, (_, index) => index)
    await insertDevices(
      ...many.map((index) => ({ device_id: `gone-${index}`, last_seen_at: daysAgo(40) })),
      ...many.map((index) => ({ device_id: `old-${index}`, last_seen_at: daysAgo(500) })),
    )
    await insertEvents(...many.map((index) => ({ device_id: `gone-${index}`, received_at: daysAgo(100) })))
    await insertProgress(...many.map((index) => [`gone-${index}`, 'old', daysAgo(91)] as [string, string, number]))
    const limits = { rows: 7, forgottenAtOnce: 7 }
    const swept = await Promise.all([createSweeper(limits).sweep(), createSweeper(limits).sweep()])
    expect(swept.reduce((sum, { gone }) => sum + gone, 0)).toBe(60)
    expect(await deviceIds()).toHaveLength(60)
    const events = await db.selectFrom('device_event').select('kind').execute()
    expect(events).toEqual(many.map(() => ({ kind: 'uninstalled-unknown' })))
    expect(await db.selectFrom('rollout_device').selectAll().execute()).toEqual([])
  })

  test('servers that were not heard of for a week are left out of the books', async () => {
    const source = { last_batch: 1 }
    await db
      .insertInto('fleet_source')
      .values([
        { ...source, id: 'old', written_at: daysAgo(8) },
        { ...source, id: 'new', written_at: daysAgo(6) },
      ])
      .execute()
    await createSweeper().sweep()
    expect(await db.selectFrom('fleet_source').select('id').execute()).toEqual([{ id: 'new' }])
  })

  test('how many devices of a network came on a day is forgotten when no guard looks back so far', async () => {
    const row = { rollout_id: 'any', network: 'n', devices: 1, bad: 0 }
    const days = [36, 34].map((days) => ({ ...row, day_at: daysAgo(days) }))
    await db.insertInto('rollout_network').values(days).execute()
    await createSweeper().sweep()
    expect(await db.selectFrom('rollout_network').selectAll().execute()).toEqual(days.slice(1))
    await db.deleteFrom('rollout_network').execute()
  })

  test('runs by itself each hour, until it is stopped', async () => {
    const time = createFakeTime(NOW)
    const retention = createRetention({ runSweep: sweepHere(db, timers), ...time, ...parts() })
    retention.start()
    await insertEvents({ received_at: daysAgo(100) })
    const isLeft = async () => (await db.selectFrom('device_event').select('id').execute()).length
    await time.advance(RETENTION_LIMITS.firstAfterMs)
    await expect.poll(isLeft).toBe(0)
    await expect.poll(() => time.waiting()).toBe(1)
    await insertEvents({ received_at: daysAgo(100) })
    await time.advance(RETENTION_LIMITS.intervalMs)
    await expect.poll(isLeft).toBe(0)
    await retention.stop()
    await expect.poll(() => time.waiting()).toBe(0)
  })
})

test('an SQLite file is swept in a thread, which leaves nothing running', async () => {
  const path = join(await temporaryDirectory(), 'hotpatch.db')
  const db = openDatabase({ kind: 'sqlite', path })
  await migrate(db)
  await openWithRollouts(db)
  await db
    .insertInto('device')
    .values([aDeviceRow({ device_id: 'old', last_seen_at: daysAgo(500) }), aDeviceRow({ last_seen_at: daysAgo(40) })])
    .execute()
  const runSweep = sweepInThread(path)
  const retention = createRetention({ runSweep, clock: { now: () => NOW }, timers, ...parts() })
  expect(await retention.sweep()).toEqual({ events: 0, progress: 0, gone: 1, forgotten: 1 })
  expect(await retention.sweep()).toEqual({ events: 0, progress: 0, gone: 0, forgotten: 0 })
  await retention.stop()
  expect(await retention.sweep()).toEqual({ events: 0, progress: 0, gone: 0, forgotten: 0 })
  await db.destroy()
  await expect(
    sweepInThread(join(path, 'nowhere'))(
      { now: NOW, goneUntil: {}, limits: RETENTION_LIMITS },
      new AbortController().signal,
    ),
  ).rejects.toThrow()
})

/** Two apps with rollouts: one keeps events for 90 days and devices for 400, the other for 7 and 10. */
async function openWithRollouts(db: Database): Promise<Database> {
  await insertApp(db)
  await insertApp(db, OTHER_APP, 'other')
  await db
    .updateTable('app')
    .set({ event_retention_days: 7, device_retention_days: 10 })
    .where('id', '=', OTHER_APP)
    .execute()
  for (const app_id of [APP_ID, OTHER_APP]) {
    const id = `channel-of-${app_id}`
    await db
      .insertInto('channel')
      .values({ id, app_id, name: 'production', last_position: 0, created_at: 0, device_choice: 'closed' })
      .execute()
  }
  for (const [position, id] of ['old', 'new', 'recent', 'of-another'].entries()) {
    await db
      .insertInto('rollout')
      .values(aRollout(id, position, id === 'of-another' ? OTHER_APP : APP_ID))
      .execute()
  }
  return db
}

function aRollout(id: string, position: number, app_id: string): Schema['rollout'] {
  return {
    id,
    app_id,
    platform: 'android',
    channel: 'production',
    position,
    release_id: null,
    state: 'active',
    starts_at: null,
    mandatory: 0,
    mandatory_below: null,
    percentage: 100,
    devices: '[]',
    cohorts: '[]',
    rules: '[]',
    slice: null,
    experiment_id: null,
    salt: id,
    buckets: 10_000,
    statement_id: null,
    created_at: 0,
    created_by: 'test',
    updated_at: 0,
    ended_at: null,
    label_number: null,
    drawing: null,
    awaits_approval: 0,
    awaits_start: 0,
    revision: 1,
  }
}

function anEvent(changes: Partial<Schema['device_event']>): Schema['device_event'] {
  return {
    id: 'event',
    app_id: APP_ID,
    device_id: 'device-1',
    kind: 'applied',
    component: null,
    release_id: null,
    version: null,
    code: null,
    detail: null,
    rollout_id: null,
    received_bytes: null,
    arrival: null,
    occurred_at: 0,
    received_at: 0,
    ...changes,
  }
}

function progress(device_id: string, rollout_id: string, changed_at: number): Schema['rollout_device'] {
  const unsampled = { is_known: 0, standing: null, standing_at: null, network: null }
  return { device_id, rollout_id, progress: 1, offered_at: null, attempted_at: null, changed_at, ...unsampled }
}
