import type { App, Device, TimelineEntry } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDatabase,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { aDeviceRow } from '../recording/testing/fixtures.ts'

describeOnEveryDatabase('devices', (openDatabase) => {
  let database: Database
  let server: TestServer
  let app: App

  beforeAll(async () => {
    database = await openDatabase()
    server = await startTestServer({ database })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const path = (rest = '', of = app) => `/manage/v1/apps/${of.slug}/devices${rest}`
  const get = (rest: string, of?: App) => server.request('GET', path(rest, of))
  const idsOf = async (query: string) => {
    const { status, body } = await get(`?${query}`)
    expect(status).toBe(200)
    return body.items.map((device: Device) => device.id)
  }

  describe('in the list', () => {
    test('are found by everything that they told', async () => {
      const release = await server.published(app, { bundle: await bundleOf('one'), percentage: 0 })
      const { releaseId } = release
      const told = { osVersion: '16', model: 'Pixel 9', locale: 'de-DE', architecture: 'arm64' }
      const attributes = JSON.stringify(told)
      const rows = [
        { device_id: 'phone-1', attributes, last_seen_at: 5_000 },
        { device_id: 'phone-2', platform: 'ios', channel: 'beta', native_version: '2.0.0', last_seen_at: 4_000 },
        { device_id: 'phone-3', current_release_id: releaseId, current_version: '1.0.0', last_seen_at: 3_000 },
        { device_id: 'tablet_1', last_decision: 'update', last_reason: 'percentage', last_seen_at: 2_000 },
        { device_id: 'tablet%1', gone_at: 1_500, last_seen_at: 1_000 },
      ] as const
      await database
        .insertInto('device')
        .values(rows.map((row) => aDeviceRow({ app_id: app.id, ...row })))
        .execute()
      const failure = { app_id: app.id, device_id: 'tablet_1', release_id: releaseId, failed_at: 1 }
      await database.insertInto('device_failure').values(failure).execute()

      const all = ['phone-1', 'phone-2', 'phone-3', 'tablet_1', 'tablet%1']
      const cases: [query: string, ids: string[]][] = [
        ['', all],
        ['search=phone', ['phone-1', 'phone-2', 'phone-3']],
        ['search=phone-2', ['phone-2']],
        ['search=tablet', ['tablet%1', 'tablet_1']],
        ['search=tablet%25', ['tablet%1']],
        ['search=PHONE', []],
        ['search=phone&platform=android', ['phone-1', 'phone-3']],
        ['search=phone&seenSince=1970-01-01T00:00:04Z', ['phone-1', 'phone-2']],
        ['platform=ios', ['phone-2']],
        ['channel=beta', ['phone-2']],
        ['channel=beta&platform=android', []],
        [`releaseId=${releaseId}`, ['phone-3']],
        ['version=1.0.0', ['phone-3']],
        ['version=embedded', ['phone-1', 'phone-2', 'tablet_1', 'tablet%1']],
        ['nativeVersion=2.0.0', ['phone-2']],
        ['osVersion=16', ['phone-1']],
        ['model=Pixel%209', ['phone-1']],
        ['locale=de-DE', ['phone-1']],
        ['architecture=arm64', ['phone-1']],
        ['architecture=x64', []],
        ['decision=update', ['tablet_1']],
        ['reason=percentage', ['tablet_1']],
        ['seenSince=1970-01-01T00:00:04Z', ['phone-1', 'phone-2']],
        ['seenBefore=1970-01-01T00:00:02Z', ['tablet%1']],
        ['seenSince=1970-01-01T00:00:02Z&seenBefore=1970-01-01T00:00:04Z', ['phone-3', 'tablet_1']],
        ['isGone=true', ['tablet%1']],
        ['isGone=false', all.slice(0, 4)],
        [`hasFailed=${releaseId}`, ['tablet_1']],
        ['hasFailed=01890000-0000-7000-8000-000000000000', []],
        ['hasFailures=true', ['tablet_1']],
        ['hasFailures=true&platform=ios', []],
        ['hasFailures=false&search=tablet', ['tablet%1']],
      ]
      for (const [query, ids] of cases) expect([query, await idsOf(query)]).toEqual([query, ids])
    })

    test.each(['', 'search=d&', 'platform=android&'])('come by pages: %s', async (query) => {
      await database
        .insertInto('device')
        .values(['da', 'db', 'dc', 'dd', 'de'].map((device_id) => aDeviceRow({ app_id: app.id, device_id })))
        .execute()
      const found: string[] = []
      let cursor: string | null = ''
      for (let pages = 0; cursor !== null && pages < 5; pages++) {
        const { body } = await get(`?${query}limit=2${cursor && `&cursor=${cursor}`}`)
        found.push(...body.items.map((device: Device) => device.id))
        cursor = body.nextCursor
      }
      expect(found.toSorted()).toEqual(['da', 'db', 'dc', 'dd', 'de'])
    })

    test.each([
      'platform=symbian',
      'releaseId=1',
      'search=',
      'seenSince=yesterday',
      'seenBefore=2027-01-01T23:59:60Z',
      'isGone=perhaps',
      'limit=0',
      'limit=201',
      'cursor=x',
      'cursor=%25%25',
      `cursor=${Buffer.from('x:y').toString('base64url')}`,
    ])('are not looked for by %s', async (query) => {
      expect(problemOf(await get(`?${query}`))).toBe('400 invalid-request')
    })

    test('are of the one app', async () => {
      const other = await server.createTestApp()
      await server.check(other, { deviceId: 'stranger' })
      expect(await idsOf('search=stranger')).toEqual([])
      expect(problemOf(await get('/stranger'))).toBe('404 device-not-found')
    })
  })

  test('a page looks at a bounded number of devices, and says where to go on', async () => {
    await insertMany(database, app.id, 20_010)
    const change = (changes: object) =>
      database.updateTable('device').set(changes).where('device_id', '=', 'device-00003').execute()
    const first = await get('?nativeVersion=9.9.9')
    expect(first.body).toEqual({ items: [], nextCursor: expect.any(String) })
    await change({ native_version: '9.9.9' })
    const second = await get(`?nativeVersion=9.9.9&cursor=${first.body.nextCursor}`)
    expect(second.body).toMatchObject({ items: [{ id: 'device-00003' }], nextCursor: null })

    // What is rare has an index of its own.
    await change({ gone_at: 1 })
    expect((await get('?isGone=true')).body).toMatchObject({ items: [{ id: 'device-00003' }], nextCursor: null })
    const release_id = '01890000-0000-7000-8000-000000000000'
    const failure = { app_id: app.id, device_id: 'device-00003', release_id, failed_at: 1 }
    await database.insertInto('device_failure').values(failure).execute()
    for (const query of ['hasFailures=true', `hasFailed=${release_id}`]) {
      expect((await get(`?${query}`)).body).toMatchObject({ items: [{ id: 'device-00003' }], nextCursor: null })
    }
  })

  test('a device shows what it told and what it was told', async () => {
    await server.check(app, { deviceId: 'phone', nativeVersion: '1.2.0' })
    const { status, body } = await get('/phone')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: 'phone',
      platform: 'android',
      channel: 'production',
      nativeVersion: '1.2.0',
      currentReleaseId: null,
      lastDecision: 'up-to-date',
      lastReason: 'nothing-published',
      lastCheckAt: '2027-01-01T00:00:00.000Z',
      goneAt: null,
      failedReleaseIds: [],
      progress: [],
      events: [],
    })
    expect(problemOf(await get('/nobody'))).toBe('404 device-not-found')
    expect(problemOf(await get('/nobody/timeline'))).toBe('404 device-not-found')
  })

  describe('the timeline', () => {
    const timeline = async (query = '') => (await get(`/phone/timeline${query}`)).body

    test('of a device that only checked has its last check', async () => {
      await server.check(app, { deviceId: 'phone' })
      expect(await timeline()).toEqual({
        items: [expect.objectContaining({ kind: 'checked', decision: 'up-to-date', reason: 'nothing-published' })],
        nextCursor: null,
        eventsNotKept: 0,
      })
    })

    test('names the rollout and the version of each event, newest first, and comes by pages', async () => {
      const { releaseId, rolloutId } = await server.published(app, { bundle: await bundleOf('one') })
      await server.check(app, { deviceId: 'phone' })
      await get('/phone')
      const at = Date.parse('2026-12-31T00:00:00Z')
      const event = {
        app_id: app.id,
        device_id: 'phone',
        version: null,
        code: null,
        detail: null,
        received_bytes: null,
      }
      const told = { release_id: releaseId, rollout_id: rolloutId }
      const events = [
        {
          ...event,
          ...told,
          id: 'a',
          kind: 'downloaded',
          received_bytes: 12,
          arrival: 'patch',
          occurred_at: at + 1,
          received_at: at + 9,
        },
        { ...event, ...told, id: 'b', kind: 'applied', occurred_at: at + 2, received_at: at + 9 },
        {
          ...event,
          release_id: null,
          rollout_id: null,
          id: 'c',
          kind: 'crashed',
          occurred_at: at,
          received_at: at + 10,
        },
        { ...event, ...told, id: 'd', kind: 'confirmed', occurred_at: at + 3, received_at: Date.parse('2027-02-01') },
      ] as const
      await database.deleteFrom('device_event').where('app_id', '=', app.id).execute()
      await database.insertInto('device_event').values(events).execute()

      const kinds = ['confirmed', 'checked', 'offered', 'crashed', 'applied', 'downloaded']
      const { items, nextCursor } = await timeline()
      expect(items.map(({ kind }: TimelineEntry) => kind)).toEqual(kinds)
      expect(nextCursor).toBeNull()
      expect(items[5]).toEqual({
        id: 'a',
        kind: 'downloaded',
        occurredAt: '2026-12-31T00:00:00.001Z',
        receivedAt: '2026-12-31T00:00:00.009Z',
        rollout: { id: rolloutId, channel: 'production', position: 1 },
        releaseId,
        version: '1.0.0',
        code: null,
        detail: null,
        receivedBytes: 12,
        arrival: 'patch',
        decision: null,
        reason: null,
      })
      expect(items[3]).toMatchObject({ rollout: null, version: null })
      expect(items[2]).toMatchObject({
        id: `offered-${rolloutId}`,
        rollout: { id: rolloutId },
        releaseId,
        version: '1.0.0',
      })

      for (const limit of [1, 2, 3]) {
        const found: string[] = []
        let cursor: string | null = ''
        for (let pages = 0; cursor !== null && pages < 8; pages++) {
          const page = await timeline(`?limit=${limit}${cursor && `&cursor=${cursor}`}`)
          found.push(...page.items.map((entry: TimelineEntry) => entry.kind))
          cursor = page.nextCursor
        }
        expect(found).toEqual(kinds)
      }
      expect(problemOf(await get('/phone/timeline?cursor=x'))).toBe('400 invalid-request')
    })
  })

  describe('events that were not kept', () => {
    test('are counted for the time that a page shows, and not before the device was there', async () => {
      const hour = 3_600_000
      await database
        .insertInto('device')
        .values(aDeviceRow({ app_id: app.id, device_id: 'phone', first_seen_at: 10 * hour, last_seen_at: 30 * hour }))
        .execute()
      const event = {
        app_id: app.id,
        device_id: 'phone',
        version: null,
        code: null,
        detail: null,
        received_bytes: null,
      }
      const events = [12, 20, 28].map((at) => ({
        ...event,
        id: `at-${at}`,
        kind: 'crashed' as const,
        release_id: null,
        rollout_id: null,
        occurred_at: at * hour,
        received_at: at * hour + 5,
      }))
      await database.insertInto('device_event').values(events).execute()
      const unkept = [5, 11, 15, 24, 29].map((at, index) => ({
        app_id: app.id,
        hour_at: at * hour,
        events: 10 ** index,
      }))
      await database.insertInto('unkept_hour').values(unkept).execute()
      const page = async (query: string) => (await get(`/phone/timeline?${query}`)).body
      expect((await page('')).eventsNotKept).toBe(11_110)
      const first = await page('limit=1')
      const second = await page(`limit=1&cursor=${first.nextCursor}`)
      const third = await page(`limit=1&cursor=${second.nextCursor}`)
      const counted = [first, second, third].map(({ eventsNotKept }) => eventsNotKept)
      expect([counted, third.nextCursor]).toEqual([[10_000, 1_000, 110], null])
      expect((await get('/phone')).body.eventsNotKept).toBe(11_110)
    })
  })

  describe('a device that is forgotten', () => {
    const forget = (id: string, of = app) => server.request('DELETE', path(`/${id}`, of))

    test.each(['as-given', 'hashed'])('leaves nothing behind (%s)', async (deviceIds) => {
      const shop = await server.createTestApp({ deviceIds })
      const twin = await server.createTestApp()
      const { releaseId } = await server.published(shop, { bundle: await bundleOf('one') })
      const cohorts = `/manage/v1/apps/${shop.slug}/cohorts`
      expect((await server.request('POST', cohorts, { body: { name: 'us', devices: ['phone-of-x'] } })).status).toBe(
        201,
      )
      for (const of of [shop, twin]) await server.check(of, { deviceId: 'phone-of-x' })
      await server.report(shop, { deviceId: 'phone-of-x', status: 'failed', releaseId })
      const { id } = (await get('/phone-of-x', shop)).body
      expect((await server.check(shop, { deviceId: 'phone-of-x' })).body).toMatchObject({ updateAvailable: false })

      expect((await forget('phone-of-x', shop)).status).toBe(204)
      expect(problemOf(await get('/phone-of-x', shop))).toBe('404 device-not-found')
      expect(problemOf(await forget('phone-of-x', shop))).toBe('404 device-not-found')
      expect((await get('/phone-of-x', twin)).status).toBe(200)
      const of = `app_id":"${shop.id}`
      const dump = await dumpDatabase(database)
      for (const table of ['device', 'device_event', 'device_failure']) {
        expect(dump[table]?.filter((row) => row.includes(of))).toEqual([])
      }
      expect(dump.cohort_member?.filter((row) => row.includes(`"${id}"`))).toEqual([])
      expect(dump.rollout_device?.filter((row) => row.includes(`"${id}"`))).toEqual([])
      expect(dump.audit_entry?.join()).not.toContain('"phone-of-x"')

      // Nobody remembers what failed on it.
      expect((await server.check(shop, { deviceId: 'phone-of-x' })).body).toMatchObject({ updateAvailable: true })
      const again = (await get('/phone-of-x', shop)).body
      expect(again).toMatchObject({ id, failedReleaseIds: [], cohorts: [] })
    })

    test('is in the log by its hash, with who did it', async () => {
      await server.check(app, { deviceId: 'phone-of-y' })
      await forget('phone-of-y')
      const { body } = await server.request('GET', '/manage/v1/audit?action=device.forgotten')
      expect(body.items[0]).toMatchObject({
        actorName: 'owner',
        subjectKind: 'device',
        subjectId: expect.stringMatching(/^h_[\w-]{22}$/),
        appId: app.id,
        before: null,
        after: null,
      })
    })

    test('takes a great many events with it, and leaves the counters', async () => {
      await server.check(app, { deviceId: 'chatty' })
      await get('/chatty')
      const counted = JSON.stringify((await dumpDatabase(database)).check_hour)
      const events = Array.from({ length: 2_050 }, (_, index) => ({
        id: `event-${index}`,
        app_id: app.id,
        device_id: 'chatty',
        kind: 'applied' as const,
        release_id: null,
        version: null,
        code: null,
        detail: null,
        rollout_id: null,
        received_bytes: null,
        occurred_at: index,
        received_at: index,
      }))
      for (let start = 0; start < events.length; start += 100) {
        await database
          .insertInto('device_event')
          .values(events.slice(start, start + 100))
          .execute()
      }
      expect((await forget('chatty')).status).toBe(204)
      const left = await database.selectFrom('device_event').select('id').where('app_id', '=', app.id).execute()
      expect(left).toEqual([])
      expect(JSON.stringify((await dumpDatabase(database)).check_hour)).toBe(counted)
    })

    test('is an administrator’s decision', async () => {
      await server.check(app, { deviceId: 'phone' })
      for (const role of ['reader', 'publisher']) {
        const token = await server.createToken({ role })
        expect(problemOf(await server.request('DELETE', path('/phone'), { token }))).toBe('403 forbidden')
      }
      expect((await get('/phone')).status).toBe(200)
    })
  })
})

async function insertMany(db: Database, appId: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) =>
    aDeviceRow({ app_id: appId, device_id: `device-${String(index).padStart(5, '0')}`, last_seen_at: 1_000 + index }),
  )
  for (let start = 0; start < count; start += 500) {
    await db
      .insertInto('device')
      .values(rows.slice(start, start + 500))
      .execute()
  }
}
