import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../database/schema.ts'
import { findDevice, listDeviceEvents, listDevices, listFailuresSince, UNTOLD, writeFleetBatch } from './fleet-store.ts'
import { aBatch, aDeviceRow, APP_ID, forgetFleet, insertApp, RELEASE_1, RELEASE_2 } from './testing/fixtures.ts'

const event = {
  id: 'event-1',
  app_id: APP_ID,
  device_id: 'device-1',
  kind: 'applied',
  release_id: RELEASE_1,
  version: '1.0.0',
  code: null,
  detail: null,
  rollout_id: null,
  received_bytes: null,
  occurred_at: 1_000,
  received_at: 1_000,
} as const
const failure = { app_id: APP_ID, device_id: 'device-1', release_id: RELEASE_1, failed_at: 1_000 }

describeOnEveryDatabase('fleet store', (open) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await insertApp(db)
  })
  beforeEach(() => forgetFleet(db))

  const device = (id = 'device-1') => findDevice(db, APP_ID, id)

  test('a check replaces what the one before told', async () => {
    await writeFleetBatch(
      db,
      aBatch({ checked: [aDeviceRow({ current_release_id: RELEASE_1, native_version: '1.0.0' })] }),
    )
    const later = aDeviceRow({ channel: 'beta', cohorts: '["a"]', first_seen_at: 2_000, last_seen_at: 2_000 })
    await writeFleetBatch(db, aBatch({ checked: [{ ...later, native_version: null }] }))
    expect(await device()).toEqual({ ...later, native_version: '1.0.0', first_seen_at: 1_000 })
  })

  test('what is older than the row changes nothing', async () => {
    const row = aDeviceRow({ last_seen_at: 5_000 })
    await writeFleetBatch(db, aBatch({ checked: [row] }))
    const older = aDeviceRow({ channel: 'beta', current_release_id: RELEASE_1, last_seen_at: 4_999 })
    await writeFleetBatch(db, aBatch({ checked: [older], running: [older], seen: [older] }))
    expect(await device()).toEqual(row)
  })

  test('a report changes what it tells', async () => {
    await writeFleetBatch(db, aBatch({ checked: [aDeviceRow({ cohorts: '["a"]' })] }))
    const untold = aDeviceRow({ ...UNTOLD, native_version: null, last_decision: null, last_seen_at: 2_000 })
    await writeFleetBatch(
      db,
      aBatch({ running: [{ ...untold, current_release_id: RELEASE_1, current_version: '1.0.0' }] }),
    )
    await writeFleetBatch(db, aBatch({ seen: [{ ...untold, last_seen_at: 3_000 }] }))
    expect(await device()).toEqual(
      aDeviceRow({ cohorts: '["a"]', current_release_id: RELEASE_1, current_version: '1.0.0', last_seen_at: 3_000 }),
    )
    await writeFleetBatch(db, aBatch({ seen: [aDeviceRow({ platform: 'ios', channel: 'beta', last_seen_at: 4_000 })] }))
    expect(await device()).toMatchObject({ platform: 'ios', channel: 'beta', current_release_id: RELEASE_1 })
  })

  test('a device may be first known by a report', async () => {
    const row = aDeviceRow({ ...UNTOLD, last_decision: null, last_reason: null })
    await writeFleetBatch(db, aBatch({ seen: [row] }))
    expect(await device()).toEqual(row)
  })

  test('a batch that is written again changes nothing', async () => {
    const batch = aBatch({ running: [aDeviceRow()], events: [event, { ...event, id: 'event-2' }], failures: [failure] })
    await writeFleetBatch(db, batch)
    await writeFleetBatch(db, { ...batch, failures: [{ ...failure, failed_at: 9_000 }] })
    expect(await listDeviceEvents(db, APP_ID, 'device-1', 10)).toHaveLength(2)
    expect(await listFailuresSince(db, 0, 10)).toEqual([failure])
  })

  test('a batch is written whole or not at all', async () => {
    const batch = aBatch({ checked: [aDeviceRow()], events: [{ ...event, app_id: 'no such app' }] })
    await expect(writeFleetBatch(db, batch)).rejects.toThrow()
    expect(await device()).toBeUndefined()
  })

  test('every value of a large batch lands in its own column, however its rows were made', async () => {
    const rows = Array.from({ length: 230 }, (_, index) => {
      const { app_id, ...row } = aDeviceRow({
        device_id: `device-${index}`,
        channel: `channel-${index}`,
        native_version: `1.${index}`,
        runtime_version: `runtime-${index}`,
        current_release_id: `release-${index}`,
        current_version: `2.${index}`,
        cohorts: `["${index}"]`,
        last_decision: `decision-${index}`,
        last_reason: `reason-${index}`,
        first_seen_at: 1_000 + index,
        last_seen_at: 5_000 + index,
      })
      return { ...row, app_id }
    })
    for (const kind of ['checked', 'running', 'seen'] as const) {
      await forgetFleet(db)
      await writeFleetBatch(db, aBatch({ [kind]: rows }))
      await writeFleetBatch(db, aBatch({ [kind]: rows }))
      for (const row of [rows[0], rows[99], rows[100], rows[229]]) {
        expect(await device(row?.device_id)).toEqual(row)
      }
    }
  })

  test('a batch of thousands of rows', async () => {
    const checked = Array.from({ length: 3_001 }, (_, index) => aDeviceRow({ device_id: `device-${index}` }))
    const events = checked.map(({ device_id }) => ({ ...event, id: device_id, device_id }))
    await writeFleetBatch(db, aBatch({ checked, events }))
    const { count } = await db
      .selectFrom('device_event')
      .select((query) => query.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(count).toBe(3_001)
    expect(await device('device-3000')).toBeDefined()
  })

  test('devices are filtered, last seen first', async () => {
    await insertApp(db, 'another-app', 'another')
    const rows = [
      aDeviceRow({ device_id: 'a', last_seen_at: 1 }),
      aDeviceRow({ device_id: 'b', last_seen_at: 3, platform: 'ios' }),
      aDeviceRow({ device_id: 'c', last_seen_at: 2, channel: 'beta' }),
      aDeviceRow({ device_id: 'd', last_seen_at: 2, current_release_id: RELEASE_2 }),
      aDeviceRow({ device_id: 'e', app_id: 'another-app' }),
    ]
    await writeFleetBatch(db, aBatch({ checked: rows }))
    const ids = async (filter: Parameters<typeof listDevices>[2], after?: { lastSeenAt: number; deviceId: string }) =>
      (await listDevices(db, APP_ID, filter, { after, limit: 10 })).map((row) => row.device_id)
    expect(await ids({})).toEqual(['b', 'd', 'c', 'a'])
    expect(await ids({}, { lastSeenAt: 2, deviceId: 'd' })).toEqual(['c', 'a'])
    expect(await ids({ platform: 'ios' })).toEqual(['b'])
    expect(await ids({ channel: 'beta' })).toEqual(['c'])
    expect(await ids({ releaseId: RELEASE_2 })).toEqual(['d'])
  })

  test('events come newest first, and not more than asked for', async () => {
    const events = [1, 3, 2].map((at) => ({ ...event, id: `event-${at}`, received_at: at }))
    await writeFleetBatch(db, aBatch({ events }))
    const listed = await listDeviceEvents(db, APP_ID, 'device-1', 2)
    expect(listed.map(({ id }) => id)).toEqual(['event-3', 'event-2'])
  })
})
