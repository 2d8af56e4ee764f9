import type {
  ActiveDevices,
  Adoption,
  App,
  Checks,
  Downloads,
  Overview,
  Reasons,
  VersionDistribution,
} from '@hotpatch/api'
import { describeOnEveryDatabase, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createInsightFixtures, DAY, HOUR, NOW, RELEASES, type InsightFixtures } from './testing/insight-fixtures.ts'

const iso = (at: number) => new Date(at).toISOString()

describeOnEveryDatabase('insights', (open) => {
  let db: Database
  let server: TestServer
  let app: App
  let fixtures: InsightFixtures

  beforeAll(async () => {
    db = await open()
    server = await startTestServer({ database: db, clock: { now: () => NOW } })
    app = await server.createTestApp()
    fixtures = createInsightFixtures(db, app.id)
    await fixtures.insertReleases()
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))
  beforeEach(() => fixtures.clear())

  async function ask<Answer>(path: string): Promise<Answer> {
    const response = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/${path}`)
    expect([response.status, response.body]).toEqual([200, expect.anything()])
    return response.body as Answer
  }
  const refusal = async (path: string) =>
    problemOf(await server.request('GET', `/manage/v1/apps/${app.slug}/insights/${path}`))

  test('the overview counts devices, checks and downloads', async () => {
    await fixtures.devices(3, { last_seen_at: NOW - HOUR, first_seen_at: NOW - DAY })
    await fixtures.devices(2, { last_seen_at: NOW - 3 * DAY, first_seen_at: NOW - 100 * DAY })
    await fixtures.devices(4, { last_seen_at: NOW - 20 * DAY })
    await fixtures.devices(1, { last_seen_at: NOW - 60 * DAY, gone_at: NOW - 30 * DAY })
    await fixtures.activity({ period: 'day', starts_at: day(-1), devices: 30 })
    await fixtures.activity({ period: 'day', starts_at: day(-1), devices: 3, platform: 'ios' })
    await fixtures.activity({ period: 'day', starts_at: day(-2), devices: 22 })
    await fixtures.checks({ hour_at: hour(-1), checks: 90 })
    await fixtures.checks({ hour_at: hour(-30), checks: 10 })
    await fixtures.downloads(RELEASES[0], { hour_at: hour(-2), downloads: 5, sent_bytes: 4_500 })
    expect(await ask<Overview>('overview')).toMatchObject({
      at: iso(NOW),
      from: iso(NOW - 7 * DAY - 30 * 60_000),
      to: iso(NOW + 1),
      active: {
        day: { devices: 3, lastFull: 33, before: 22, trend: 0.5 },
        week: { devices: 5, lastFull: 0, before: 0, trend: null },
        month: { devices: 9 },
      },
      known: 10,
      gone: 1,
      new: 3,
      checks: { total: 100, perMinute: 1 },
      downloads: { count: 5, sentBytes: 4_500 },
      droppedSinceStart: 0,
    })
  })

  test('events that were not kept are told of the time that is asked for', async () => {
    for (const [offset, events] of [
      [0, 3],
      [-30, 20],
      [-24 * 20, 100],
    ] as const) {
      await fixtures.unkept({ hour_at: hour(offset), events })
    }
    await fixtures.unkept({ app_id: 'another', hour_at: hour(0), events: 1_000 })
    for (const path of ['overview', 'downloads', 'releases/health', `rollouts/${await fixtures.rollout()}/adoption`]) {
      const notKept = async (query: string) => (await ask<{ eventsNotKept: number }>(`${path}?${query}`)).eventsNotKept
      expect([path, await notKept(`from=${iso(NOW - 7 * DAY)}`)]).toEqual([path, 23])
      expect([path, await notKept(`from=${iso(NOW - HOUR)}`)]).toEqual([path, 3])
      expect([path, await notKept(`from=${iso(NOW - 30 * DAY)}&to=${iso(NOW - DAY)}`)]).toEqual([path, 120])
      expect([path, await notKept(`from=${iso(hour(-10))}&to=${iso(hour(0))}`)]).toEqual([path, 0])
    }
  })

  test('of an empty app everything is nothing', async () => {
    expect(await ask<Overview>('overview')).toMatchObject({
      active: { day: { devices: 0, trend: null } },
      known: 0,
      gone: 0,
      new: 0,
      checks: { total: 0, perMinute: 0 },
    })
    expect((await ask<ActiveDevices>('active')).points).toEqual(
      Array.from({ length: 8 }, (_, index) => ({ at: iso(day(index - 7)), devices: 0 })),
    )
    expect(await ask('versions')).toMatchObject({ now: [], versions: [] })
    expect(await ask('releases/health')).toMatchObject({ releases: [] })
    expect(await ask('downloads')).toMatchObject({ downloads: 0, savedBytes: null, releases: [] })
    expect(await ask('reasons')).toMatchObject({ checks: 0, refusals: 0, reasons: [] })
  })

  test('active devices are those of each period, all places together or one', async () => {
    await fixtures.activity({ period: 'week', starts_at: week(0), devices: 5 })
    await fixtures.activity({ period: 'week', starts_at: week(0), devices: 2, platform: 'ios', channel: 'beta' })
    await fixtures.activity({ period: 'week', starts_at: week(-2), devices: 7, version: '1.0.0' })
    await fixtures.activity({ period: 'day', starts_at: day(0), devices: 99 })
    const query = `bucket=week&from=${iso(week(-2) + DAY)}`
    const counts = async (more = '') =>
      (await ask<ActiveDevices>(`active?${query}${more}`)).points.map(({ devices }) => devices)
    expect(await counts()).toEqual([7, 0, 7])
    expect(await counts('&platform=ios')).toEqual([0, 0, 2])
    expect(await counts('&platform=ios&channel=production')).toEqual([0, 0, 0])
  })

  test('versions: what runs now, and what was active over time', async () => {
    await fixtures.devices(6, { current_release_id: RELEASES[0].id })
    await fixtures.devices(2, { current_release_id: RELEASES[1].id, platform: 'ios' })
    await fixtures.devices(1, { current_release_id: null })
    await fixtures.devices(1, { current_release_id: 'of another server' })
    await fixtures.devices(9, { current_release_id: RELEASES[0].id, gone_at: NOW })
    await fixtures.activity({ period: 'day', starts_at: day(0), devices: 5, version: '2.0.0' })
    await fixtures.activity({ period: 'day', starts_at: day(-1), devices: 4, version: '2.0.0' })
    await fixtures.activity({ period: 'day', starts_at: day(-1), devices: 6, version: '' })
    const found = await ask<VersionDistribution>(`versions?from=${iso(day(-1))}&bucket=day`)
    expect(found.now).toEqual([
      { version: '1.0.0', devices: 6, share: 0.6 },
      { version: '2.0.0', devices: 2, share: 0.2 },
      ...[{ version: '(unknown)' }, { version: null }].map((row) => ({ ...row, devices: 1, share: 0.1 })),
    ])
    expect(found).toMatchObject({ versions: ['2.0.0', null], points: [{ devices: [4, 6] }, { devices: [5, 0] }] })
    const ios = await ask<VersionDistribution>('versions?platform=ios')
    expect(ios.now).toEqual([{ version: '2.0.0', devices: 2, share: 1 }])
  })

  test('of many versions the rare ones are one', async () => {
    for (let index = 0; index < 15; index++) {
      await fixtures.activity({ period: 'day', starts_at: day(0), devices: 100 - index, version: `1.${index}.0` })
    }
    const { versions, points } = await ask<VersionDistribution>('versions')
    expect(versions).toHaveLength(13)
    expect(versions.at(-1)).toBe('(others)')
    expect(points.at(-1)?.devices.at(-1)).toBe(88 + 87 + 86)
  })

  test('checks per minute are those of whole hours, also where the time asked for ends within one', async () => {
    await fixtures.checks({ hour_at: hour(-5), checks: 120 })
    const halfPast = iso(hour(-5) + HOUR / 2)
    const { points } = await ask<Checks>(`checks?bucket=hour&from=${iso(hour(-5))}&to=${halfPast}`)
    expect(points).toEqual([{ at: iso(hour(-5)), checks: 120, perMinute: 2 }])
  })

  test('checks per minute count the time that is over', async () => {
    await fixtures.checks({ hour_at: hour(0), checks: 60, reason: 'paused' })
    await fixtures.checks({ hour_at: hour(0), checks: 60 })
    await fixtures.checks({ hour_at: hour(-1), checks: 60 })
    const { total, points } = await ask<Checks>(`checks?bucket=hour&from=${iso(hour(-2))}`)
    expect(total).toBe(180)
    expect(points.map(({ checks, perMinute }) => [checks, perMinute])).toEqual([
      [0, 0],
      [60, 1],
      [120, 4],
    ])
  })

  test('reasons are ranked, offers left out', async () => {
    await fixtures.checks({ hour_at: hour(0), checks: 10, decision: 'update', reason: 'percentage' })
    await fixtures.checks({ hour_at: hour(0), checks: 5, reason: 'paused' })
    await fixtures.checks({ hour_at: hour(-5), checks: 20, reason: 'runs-the-target', platform: 'ios' })
    await fixtures.checks({
      hour_at: hour(-5),
      checks: 15,
      decision: 'native-update-required',
      reason: 'from-the-future',
    })
    const found = await ask<Reasons>('reasons')
    expect(found).toMatchObject({ checks: 50, refusals: 40 })
    expect(found.reasons.map(({ reason, share, explanation }) => [reason, share, explanation])).toEqual([
      ['runs-the-target', 0.5, 'The device runs what it should.'],
      ['from-the-future', 0.375, 'from-the-future'],
      ['paused', 0.125, expect.stringContaining('paused')],
    ])
    expect((await ask<Reasons>('reasons?platform=ios')).reasons).toMatchObject([
      { reason: 'runs-the-target', share: 1 },
    ])
  })

  test('downloads of bytes that two releases share count for the one that they were for', async () => {
    const [one, two] = RELEASES
    const bytesOf = (sha256: string) =>
      db.updateTable('release_file').set({ sha256 }).where('release_id', '=', two.id).execute()
    await bytesOf(one.sha256)
    onTestFinished(async () => void (await bytesOf(two.sha256)))
    const at = hour(-1)
    await fixtures.downloads(one, { release_id: one.id, hour_at: at, downloads: 3, sent_bytes: 300 })
    await fixtures.downloads(one, { release_id: two.id, hour_at: at, downloads: 2, sent_bytes: 200 })
    await fixtures.downloads(one, { hour_at: at, downloads: 1, sent_bytes: 100 })
    await fixtures.downloads(one, { release_id: 'of another app', hour_at: at, downloads: 9, sent_bytes: 900 })
    const found = await ask<Downloads>('downloads')
    expect(found).toMatchObject({ downloads: 6, sentBytes: 600 })
    // What nobody said it was for counts for both.
    expect(found.releases).toMatchObject([
      { releaseId: two.id, downloads: 3, sentBytes: 300 },
      { releaseId: one.id, downloads: 4, sentBytes: 400 },
    ])
  })

  test('downloads: what was sent, what devices told, and what that saved', async () => {
    await fixtures.downloads(RELEASES[0], { hour_at: hour(-1), downloads: 10, sent_bytes: 9_000 })
    await fixtures.downloads(RELEASES[0], { hour_at: hour(-25), downloads: 1, sent_bytes: 1_000 })
    await fixtures.downloads(RELEASES[0], { hour_at: hour(-24 * 30), downloads: 100, sent_bytes: 100_000 })
    const rollout = await fixtures.rollout({ release_id: RELEASES[0].id })
    const patched = { told_patched: 2, patched_bytes: 40, told_packed: 1, packed_bytes: 460, patch_failed: 1 }
    await fixtures.rolloutHour(rollout, { hour_at: hour(-1), told_downloads: 4, received_bytes: 1_500, ...patched })
    const other = await fixtures.rollout({ release_id: RELEASES[1].id })
    await fixtures.rolloutHour(other, { hour_at: hour(-2), patch_failed: 1 })
    const found = await ask<Downloads>('downloads')
    const figures = {
      tried: 4,
      patched: 2,
      patchedBytes: 40,
      packed: 1,
      packedBytes: 460,
      fellBack: 1,
      savedBytes: 2_500,
    }
    expect(found.patches).toEqual({ ...figures, tried: 5, fellBack: 2 })
    expect(found.releases.map(({ patches }) => patches.fellBack)).toEqual([1, 1])
    expect(found.points.reduce((sum, { patchSavedBytes }) => sum + patchSavedBytes, 0)).toBe(2_500)
    expect(found.points.find(({ toldBytes }) => toldBytes > 0)).toMatchObject({ toldBytes: 1_500, fullBytes: 4_000 })
    const { downloads } = await ask<Adoption>(`rollouts/${rollout}/adoption`)
    expect(downloads).toMatchObject({ toldDownloads: 4, fullBytes: 4_000, savedBytes: 2_500, patches: figures })
    expect(await ask<Downloads>('downloads?channel=other')).toMatchObject({ patches: { tried: 0, savedBytes: 0 } })
    expect(found).toMatchObject({
      downloads: 11,
      sentBytes: 10_000,
      toldDownloads: 4,
      toldBytes: 1_500,
      fullBytes: 4_000,
      savedBytes: 2_500,
      releases: [
        { releaseId: RELEASES[1].id, downloads: 0, savedBytes: null },
        { releaseId: RELEASES[0].id, version: '1.0.0', sizeBytes: 1_000, downloads: 11, savedBytes: 2_500 },
      ],
    })
    expect(found.points.filter(({ downloads }) => downloads > 0).map(({ downloads }) => downloads)).toEqual([1, 10])
  })

  test('sums do not depend on the bucket', async () => {
    const rows = fc.uniqueArray(fc.record({ hours: fc.nat(24 * 45), checks: fc.integer({ min: 1, max: 99 }) }), {
      selector: ({ hours }) => hours,
      minLength: 1,
      maxLength: 8,
    })
    const times = fc.tuple(fc.nat(24 * 40), fc.integer({ min: 1, max: 24 * 40 }))
    await fc.assert(
      fc.asyncProperty(rows, times, async (rows, [start, length]) => {
        await fixtures.clear()
        for (const { hours, checks } of rows) await fixtures.checks({ hour_at: hour(-hours), checks })
        const range = `from=${iso(hour(-start - length))}&to=${iso(hour(-start))}`
        const expected = rows
          .filter(({ hours }) => hours > start && hours <= start + length)
          .reduce((sum, { checks }) => sum + checks, 0)
        for (const bucket of ['hour', 'day', 'week', 'month']) {
          const { total, points } = await ask<Checks>(`checks?${range}&bucket=${bucket}`)
          expect([total, points.reduce((sum, { checks }) => sum + checks, 0)]).toEqual([expected, expected])
        }
      }),
      { numRuns: 15 },
    )
  })

  test.each([
    [`from=${iso(NOW)}&to=${iso(NOW - DAY)}`, '"from" before "to"'],
    [`from=${iso(NOW)}&to=${iso(NOW)}`, '"from" before "to"'],
    [`from=${iso(NOW - 401 * DAY)}`, 'at most 400 days'],
    [`from=${iso(NOW - 90 * DAY)}&bucket=hour`, 'at most 2000 points'],
    ['from=yesterday', 'date-time'],
    ['bucket=minute', 'hour, day, week, month'],
    ['platform=amiga', 'querystring/platform'],
    ['format=xml', 'json, csv'],
    ['form=csv', '"form"'],
  ])('%s is refused', async (query, detail) => {
    const response = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/active?${query}`)
    expect(problemOf(response)).toBe('400 invalid-request')
    expect(response.body.detail).toContain(detail)
  })

  test('what is not there is refused', async () => {
    const unknown = '01970000-0000-7000-8000-00000000dead'
    expect(await refusal(`rollouts/${unknown}/adoption`)).toBe('404 rollout-not-found')
    expect(await refusal(`experiments/${unknown}`)).toBe('404 experiment-not-found')
    expect(await refusal('overview?platform=ios')).toBe('400 invalid-request')
    expect(problemOf(await server.request('GET', '/manage/v1/apps/nothing/insights/active'))).toBe('404 app-not-found')
  })

  test('readers may ask, others may not', async () => {
    const url = `/manage/v1/apps/${app.slug}/insights/active`
    expect((await server.request('GET', url, { token: null })).status).toBe(401)
    const token = await server.createToken({ role: 'reader' })
    expect((await server.request('GET', url, { token })).status).toBe(200)
    const other = await server.createTestApp()
    const foreign = await server.createToken({ role: 'owner', app: other.slug })
    expect((await server.request('GET', url, { token: foreign })).status).toBe(403)
  })
})

const hour = (offset: number) => NOW - (NOW % HOUR) + offset * HOUR
const day = (offset: number) => NOW - (NOW % DAY) + offset * DAY
/** Of the Monday on which, or after which, NOW is. */
const week = (offset: number) => Date.UTC(2026, 5, 15) + offset * 7 * DAY
