import type { App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { sumRolloutHours } from '../../fleet/progress/rollout-progress.ts'

describeOnEveryDatabase('POST /events', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  let first: { releaseId: string; rolloutId: string }

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock, env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
    app = await server.createTestApp()
    first = await publish('1.0.0')
  })
  afterAll(() => server.close())

  async function publish(version: string, changes: Record<string, unknown> = {}) {
    const { releaseId, rolloutId } = await server.published(app, {
      version,
      bundle: await bundleOf(version),
      ...changes,
    })
    return { releaseId, rolloutId }
  }

  const send = (fields: Record<string, unknown>, url = '/events', headers = { 'x-app-key': app.appKey }) => {
    const body = { deviceId: 'device-1', platform: 'android', ...fields }
    return server.request('POST', url, { body, token: null, headers })
  }

  const figuresOf = async (rolloutId: string) => (await sumRolloutHours(db, [rolloutId])).get(rolloutId)
  const eventsOf = (deviceId: string) =>
    db.selectFrom('device_event').selectAll().where('device_id', '=', deviceId).orderBy('occurred_at').execute()

  test('stores what happened, and what the device told of itself', async () => {
    const { releaseId, rolloutId } = first
    const answer = await send({
      nativeVersion: '3.0',
      osVersion: '15',
      model: 'Pixel 8',
      events: [
        { id: 'e1', kind: 'download-started', releaseId },
        { id: 'e2', kind: 'downloaded', releaseId, receivedBytes: 5_000 },
        { id: 'e3', kind: 'applied', version: '1.0.0' },
      ],
    })
    expect([answer.status, answer.body]).toEqual([200, { accepted: 3, rejected: [] }])
    expect(await figuresOf(rolloutId)).toMatchObject({
      download_started: 1,
      downloaded: 1,
      applied: 1,
      attempted: 1,
      received_bytes: 5_000,
    })
    const device = await db.selectFrom('device').selectAll().where('device_id', '=', 'device-1').executeTakeFirst()
    const attributes = JSON.stringify({ osVersion: '15', model: 'Pixel 8' })
    const told = { native_version: '3.0', attributes, dialect: 'hotpatch' }
    expect(device).toMatchObject({ current_release_id: releaseId, ...told })
  })

  test('again: nothing changes', async () => {
    const { releaseId, rolloutId } = first
    const events = [
      { id: 'e2', kind: 'downloaded', releaseId, receivedBytes: 5_000 },
      { id: 'e4', kind: 'confirmed', releaseId },
    ]
    for (let times = 0; times < 2; times++) {
      expect((await send({ events })).body).toEqual({ accepted: 2, rejected: [] })
    }
    expect(await figuresOf(rolloutId)).toMatchObject({ downloaded: 1, confirmed: 1, received_bytes: 5_000 })
  })

  test('an event that is wrong loses nothing else', async () => {
    const { releaseId } = first
    const answer = await send({
      deviceId: 'device-2',
      events: [
        { id: 'e1', kind: 'exploded', releaseId },
        { id: 'e2', kind: 'applied', releaseId },
        { id: 'e3', kind: 'applied', releaseId: '01890000-0000-7000-8000-000000000000' },
        { id: 'e4', kind: 'applied', version: '7.7.7' },
      ],
    })
    expect(answer.body).toEqual({
      accepted: 1,
      rejected: [
        { index: 0, id: 'e1', type: 'invalid-request', detail: expect.stringContaining('/kind') },
        { index: 2, id: 'e3', type: 'release-not-found', detail: expect.any(String) },
        { index: 3, id: 'e4', type: 'release-not-found', detail: expect.any(String) },
      ],
    })
    expect(await eventsOf('device-2')).toHaveLength(1)
  })

  test('a failed download says nothing against the release', async () => {
    const { releaseId, rolloutId } = first
    const before = await figuresOf(rolloutId)
    await send({ deviceId: 'device-3', events: [{ id: 'e1', kind: 'failed', code: 'storage-full', releaseId }] })
    expect(await eventsOf('device-3')).toMatchObject([{ kind: 'download-failed', code: 'storage-full' }])
    expect(await figuresOf(rolloutId)).toMatchObject({ download_failed: 1, attempted_bad: before?.attempted_bad })
    expect((await server.check(app, { deviceId: 'device-3' })).body).toMatchObject({ releaseId })
  })

  test('what comes late counts for the rollout that brought it', async () => {
    const older = await publish('1.1.0', { percentage: 50 })
    clock.advance(3 * HOUR_MS)
    const body = { releaseId: older.releaseId, channel: 'production' }
    const placed = await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
    expect(placed.status).toBe(201)
    const newer = { releaseId: older.releaseId, rolloutId: placed.body.id as string }
    clock.advance(HOUR_MS)
    const { releaseId } = older
    const ago = (hours: number) => clock.now() - hours * HOUR_MS
    await send({
      deviceId: 'late',
      events: [
        { id: 'l1', kind: 'applied', releaseId, occurredAt: ago(2) },
        { id: 'l2', kind: 'confirmed', releaseId },
        { id: 'l3', kind: 'crashed', releaseId, rolloutId: older.rolloutId },
        { id: 'l4', kind: 'rolled-back', releaseId, rolloutId: first.rolloutId },
        { id: 'l5', kind: 'downloaded', releaseId, occurredAt: ago(1_000) },
      ],
    })
    expect(await figuresOf(older.rolloutId)).toMatchObject({ applied: 1, crashed: 1, downloaded: 1, confirmed: 0 })
    // A rollout of another release cannot be meant.
    expect(await figuresOf(newer.rolloutId)).toMatchObject({ applied: 0, confirmed: 1, rolled_back: 1 })
    const hours = await db
      .selectFrom('rollout_hour')
      .select(['hour_at', 'downloaded'])
      .where('rollout_id', '=', older.rolloutId)
      .orderBy('hour_at')
      .execute()
    expect(hours[0]).toEqual({ hour_at: ago(4) - (ago(4) % HOUR_MS), downloaded: 1 })
  })

  test('a clock that is off is corrected', async () => {
    const { releaseId } = first
    const now = clock.now()
    const events = [{ id: 'c1', kind: 'applied', releaseId, occurredAt: now - 10 * HOUR_MS - 60_000 }]
    await send({ deviceId: 'slow', sentAt: now - 10 * HOUR_MS, events })
    expect(await eventsOf('slow')).toMatchObject([{ occurred_at: now - 60_000, received_at: now }])
  })

  test('a check says how far the device is: offered, then running', async () => {
    const target = await publish('2.0.0')
    await server.check(app, { deviceId: 'checker' })
    await server.check(app, { deviceId: 'checker', version: '2.0.0' })
    await send({ deviceId: 'checker', events: [{ id: 'x', kind: 'confirmed', releaseId: target.releaseId }] })
    expect(await figuresOf(target.rolloutId)).toMatchObject({ offered: 1, running: 1, confirmed: 1, attempted: 1 })
    const timeline = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/checker/timeline`)
    expect(timeline.body.items).toContainEqual(
      expect.objectContaining({ kind: 'offered', releaseId: target.releaseId, version: '2.0.0' }),
    )
    const checks = await db.selectFrom('check_hour').selectAll().where('decision', '=', 'up-to-date').execute()
    expect(checks).toMatchObject([{ reason: 'runs-the-target', checks: 1, channel: 'production' }])
  })

  test('bytes that were sent are counted', async () => {
    const { body } = await server.check(app, { deviceId: 'downloader' })
    const { pathname, search } = new URL(body.bundleUrl as string)
    const path = `${pathname}${search}`
    await server.request('GET', path, { token: null })
    await server.request('GET', path, { token: null, headers: { range: 'bytes=0-9' } })
    await server.request('GET', path, { token: null, headers: { 'if-none-match': `"${body.hash}"` } })
    await send({ deviceId: 'downloader', events: [{ id: 'd', kind: 'downloaded', releaseId: body.releaseId }] })
    const rows = await db.selectFrom('download_hour').selectAll().where('sha256', '=', body.hash).execute()
    const sent = { downloads: 2, sent_bytes: (body.sizeBytes as number) + 10 }
    expect(rows).toMatchObject([{ release_id: body.releaseId, ...sent }])
  })

  test('works at the root and under /apps/{slug}, for whoever has the key', async () => {
    const events = [{ id: 'e1', kind: 'applied', releaseId: first.releaseId }]
    const other = await server.createTestApp()
    const statusOf = async (...parts: Parameters<typeof send>) => problemOf(await send(...parts))
    expect((await send({ deviceId: 'm', appId: app.slug, events }, `/apps/${app.slug}/events`)).status).toBe(200)
    expect(await statusOf({ events }, `/apps/${other.slug}/events`)).toBe('401 app-key-invalid')
    expect(await statusOf({ events, appId: other.id })).toBe('401 app-key-invalid')
    expect(await statusOf({ events }, '/events', { 'x-app-key': '' })).toBe('401 app-key-required')
  })

  test('bad envelopes change nothing', async () => {
    const problemWith = async (body: unknown, headers = {}) => {
      const all = { 'x-app-key': app.appKey, ...headers }
      return problemOf(await server.request('POST', '/events', { body, token: null, headers: all }))
    }
    expect(await problemWith([])).toBe('400 invalid-request')
    expect(await problemWith({ deviceId: 'd', platform: 'android', events: [] })).toBe('400 invalid-request')
    expect(await problemWith('{', { 'content-type': 'application/json' })).toBe('400 malformed-json')
    expect(await problemWith('x'.repeat(262_145), { 'content-type': 'application/json' })).toBe('413 body-too-large')
  })

  test('ids of a hashed app are never stored as they were told', async () => {
    const hashed = await server.createTestApp({ deviceIds: 'hashed' })
    const { releaseId } = await server.published(hashed, { bundle: await bundleOf('hashed') })
    const events = [{ id: 'h1', kind: 'applied', releaseId }]
    await send({ deviceId: 'secret-phone', events }, '/events', { 'x-app-key': hashed.appKey })
    expect(await eventsOf('secret-phone')).toEqual([])
    const { device_id } = await db
      .selectFrom('device')
      .select('device_id')
      .where('app_id', '=', hashed.id)
      .executeTakeFirstOrThrow()
    expect(device_id).toMatch(/^h_/)
  })

  test('a release that was rolled back after it was confirmed counts as bad, and is not offered there again', async () => {
    const { releaseId, rolloutId } = await publish('9.0.0')
    const deviceId = 'device-late'
    const check = () => server.check(app, { deviceId })
    expect((await check()).body).toMatchObject({ updateAvailable: true, releaseId })
    const before = await figuresOf(rolloutId)
    await send({ deviceId, events: [{ id: 'l1', kind: 'confirmed', releaseId }] })
    await send({ deviceId, events: [{ id: 'l2', kind: 'rolled-back', code: 'crashed-after-confirm', releaseId }] })
    const bad = before?.attempted_bad ?? 0
    expect(await figuresOf(rolloutId)).toMatchObject({ confirmed: 1, rolled_back: 1, attempted_bad: bad + 1 })
    expect((await check()).body).not.toMatchObject({ releaseId })
  })

  test('counts how downloads came, each once, and where a patch did not work', async () => {
    const { releaseId, rolloutId } = first
    const before = await figuresOf(rolloutId)
    const downloaded = { kind: 'downloaded', releaseId }
    const events = [
      { id: 'a1', ...downloaded, receivedBytes: 10, arrival: 'patch' },
      { id: 'a2', ...downloaded, receivedBytes: 300, arrival: 'packed' },
      { id: 'a3', ...downloaded, receivedBytes: 1_000, arrival: 'whole' },
      { id: 'a4', ...downloaded, receivedBytes: 2_000, arrival: 'of a later engine' },
      { id: 'a5', kind: 'download-failed', code: 'patch-failed', detail: 'hash-mismatch: …', releaseId },
      { id: 'a6', kind: 'download-failed', code: 'download-timeout', releaseId },
    ]
    for (let times = 0; times < 2; times++) {
      expect((await send({ deviceId: 'arrivals', events })).body).toEqual({ accepted: 6, rejected: [] })
    }
    expect(await figuresOf(rolloutId)).toMatchObject({
      told_downloads: Number(before?.told_downloads) + 4,
      received_bytes: Number(before?.received_bytes) + 3_310,
      told_patched: 1,
      patched_bytes: 10,
      told_packed: 1,
      packed_bytes: 300,
      patch_failed: 1,
    })
    const stored = await eventsOf('arrivals')
    const arrivals = stored.flatMap(({ arrival }) => arrival ?? [])
    expect(new Set(arrivals)).toEqual(new Set(['packed', 'patch', 'whole']))
  })
})

test('a device that reports too often is told when to come back', async () => {
  const server = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '1' } })
  const app = await server.createTestApp()
  const body = { deviceId: 'd', platform: 'android', events: [{ id: 'e', kind: 'failed', code: 'answer-invalid' }] }
  const send = () => server.request('POST', '/events', { body, token: null, headers: { 'x-app-key': app.appKey } })
  expect((await send()).status).toBe(200)
  const refused = await send()
  expect([problemOf(refused), refused.headers['retry-after']]).toEqual(['429 too-many-requests', '60'])
  await server.close()
})
