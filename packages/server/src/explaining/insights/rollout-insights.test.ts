import type { Adoption, App, ExperimentResults, ReleaseHealth, RolloutHealth } from '@hotpatch/api'
import { describeOnEveryDatabase, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createInsightFixtures, DAY, HOUR, NOW, RELEASES, type InsightFixtures } from './testing/insight-fixtures.ts'

const iso = (at: number) => new Date(at).toISOString()
const hour = (offset: number) => NOW - (NOW % HOUR) + offset * HOUR
const MINUTE = 60_000

describeOnEveryDatabase('insights of rollouts', (open) => {
  let server: TestServer
  let app: App
  let fixtures: InsightFixtures

  beforeAll(async () => {
    const db: Database = await open()
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
  const adoptionOf = (id: string, query = '') => ask<Adoption>(`rollouts/${id}/adoption${query}`)

  test('the adoption of a rollout: its curve, its milestones and what became of devices', async () => {
    await fixtures.devices(40, {})
    await fixtures.devices(50, { channel: 'beta' })
    await fixtures.devices(50, { platform: 'ios' })
    await fixtures.devices(50, { gone_at: NOW })
    const id = await fixtures.rollout({ created_at: hour(-4) + 30 * MINUTE })
    await fixtures.devices(60, { current_release_id: RELEASES[0].id, rollout_id: id })
    await fixtures.rolloutHour(id, { hour_at: hour(-4), offered: 40, downloaded: 30, applied: 25, running: 25 })
    const bad = { attempted: 90, attempted_bad: 9, failed: 4, rolled_back: 3, crashed: 2 }
    await fixtures.rolloutHour(id, {
      hour_at: hour(-2),
      offered: 50,
      downloaded: 60,
      confirmed: 62,
      running: 50,
      ...bad,
    })
    await fixtures.rolloutHour(id, { hour_at: hour(0), running: 15 })
    const adoption = await adoptionOf(id)
    expect(adoption).toMatchObject({
      rolloutId: id,
      releaseId: RELEASES[0].id,
      version: '1.0.0',
      percentage: 100,
      startedAt: iso(hour(-4) + 30 * MINUTE),
      from: iso(hour(-4)),
      bucket: 'hour',
      eligible: { devices: 100, basis: 'known' },
      share: 0.6,
      offered: 90,
      downloaded: 90,
      applied: 25,
      confirmed: 62,
      running: 60,
      everRan: 90,
      stuck: 0,
      attempted: 90,
      succeeded: { devices: 90, share: 1 },
      bad: { devices: 9, share: 0.1 },
      failed: { devices: 4 },
      rolledBack: { devices: 3 },
      crashed: { devices: 2 },
    })
    expect(adoption.points.map(({ at, began, everRan, share }) => [at, began, everRan, share])).toEqual([
      [iso(hour(-4)), 25, 25, 0.25],
      [iso(hour(-3)), 0, 25, 0.25],
      [iso(hour(-2)), 50, 75, 0.75],
      [iso(hour(-1)), 0, 75, 0.75],
      [iso(hour(0)), 15, 90, 0.9],
    ])
    // Half of the devices of that hour, and all of those of the hour that is half over.
    expect(adoption.reached).toEqual([
      { share: 0.5, at: iso(hour(-2) + 30 * MINUTE), seconds: 2 * 3600 },
      { share: 0.9, at: iso(NOW), seconds: 4 * 3600 },
    ])
  })

  test('the interval of a rate is that of Wilson, and nobody’s rate is unknown', async () => {
    const id = await fixtures.rollout()
    expect((await adoptionOf(id)).bad).toEqual({ devices: 0, share: null, low: null, high: null })
    await fixtures.rolloutHour(id, { hour_at: hour(-1), attempted: 263, attempted_bad: 81 })
    // Newcombe 1998, table I, method 4.
    const { share, low, high } = (await adoptionOf(id)).bad
    expect(share).toBeCloseTo(0.308, 4)
    expect(low).toBeCloseTo(0.2535, 4)
    expect(high).toBeCloseTo(0.3682, 4)
  })

  test.each([
    ['a percentage', { percentage: 25 }, { devices: 50, basis: 'percentage' }],
    ['an arm', { percentage: 50, slice: '{"salt":"s","from":2500,"to":5000}' }, { devices: 25, basis: 'percentage' }],
    [
      'rules, which cannot be counted',
      { rules: '[{"attribute":"model","in":["x"]}]' },
      { devices: 12, basis: 'reached' },
    ],
    ['all platforms', { platform: 'any' }, { devices: 210, basis: 'known' }],
    ['forced devices beyond the percentage', { percentage: 1 }, { devices: 12, basis: 'reached' }],
  ] as const)('the eligible audience of %s', async (_, changes, eligible) => {
    await fixtures.devices(200, {})
    await fixtures.devices(10, { platform: 'ios' })
    const id = await fixtures.rollout(changes)
    await fixtures.rolloutHour(id, { hour_at: hour(-1), offered: 12, running: 6 })
    expect((await adoptionOf(id)).eligible).toEqual(eligible)
  })

  test('a milestone that was not reached is null, as is everything of nobody', async () => {
    const id = await fixtures.rollout()
    const nothing = { at: null, seconds: null }
    expect(await adoptionOf(id)).toMatchObject({ eligible: { devices: 0 }, share: null, reached: [nothing, nothing] })
    await fixtures.devices(10, {})
    await fixtures.rolloutHour(id, { hour_at: hour(-1), running: 5 })
    const { reached } = await adoptionOf(id)
    expect(reached.map(({ at }) => at !== null)).toEqual([true, false])
  })

  test('a curve that begins later starts from what was before', async () => {
    await fixtures.devices(10, {})
    const id = await fixtures.rollout()
    await fixtures.rolloutHour(id, { hour_at: hour(-50), running: 4 })
    await fixtures.rolloutHour(id, { hour_at: hour(-1), running: 1 })
    const { points } = await adoptionOf(id, `?from=${iso(hour(-2))}`)
    expect(points.map(({ everRan }) => everRan)).toEqual([4, 5, 5])
  })

  test('running is now, and not whoever came so far: devices that left it, are gone or got it elsewhere do not', async () => {
    const id = await fixtures.rollout({ state: 'halted' })
    const other = await fixtures.rollout()
    const release = { current_release_id: RELEASES[0].id }
    await fixtures.devices(3, { ...release, rollout_id: id })
    await fixtures.devices(4, { current_release_id: RELEASES[1].id, rollout_id: id })
    await fixtures.devices(2, { rollout_id: id })
    await fixtures.devices(1, { ...release, rollout_id: id, gone_at: NOW })
    await fixtures.devices(5, { ...release, rollout_id: other })
    // Offered something else by now, which it has not taken yet.
    await fixtures.devices(1, { ...release, device_id: 'waits', rollout_id: other })
    await fixtures.rolloutDevice(id, { device_id: 'waits', progress: 64 })
    await fixtures.rolloutHour(id, { hour_at: hour(-1), running: 11 })
    expect(await adoptionOf(id)).toMatchObject({ running: 4, everRan: 11 })
    const points = (await adoptionOf(id)).points.map(({ running }) => running)
    expect([points.at(-1), new Set(points.slice(0, -1))]).toEqual([4, new Set([null])])
    const past = (await adoptionOf(id, `?from=${iso(hour(-9))}&to=${iso(hour(-5))}`)).points
    expect(past.every(({ running }) => running === null)).toBe(true)
  })

  test('what embedded runs now is counted of those whom a rollout sent there', async () => {
    const id = await fixtures.rollout({ release_id: null })
    await fixtures.devices(2, { rollout_id: id })
    await fixtures.devices(3, {})
    expect(await adoptionOf(id)).toMatchObject({ running: 2 })
  })

  test('a rollout that starts later has no start, and a curve of nothing', async () => {
    const id = await fixtures.rollout({ starts_at: NOW + DAY })
    const { startedAt, points } = await adoptionOf(id)
    expect(startedAt).toBeNull()
    expect(points.every(({ everRan }) => everRan === 0)).toBe(true)
  })

  test('stuck are those who were offered it, never tried it, and said nothing for a day', async () => {
    const id = await fixtures.rollout()
    const other = await fixtures.rollout()
    const long = NOW - 25 * HOUR
    await fixtures.rolloutDevice(id, { progress: 1, changed_at: long })
    await fixtures.rolloutDevice(id, { progress: 1 + 2 + 8, changed_at: long })
    await fixtures.rolloutDevice(id, { progress: 1 + 2, changed_at: NOW - 23 * HOUR })
    await fixtures.rolloutDevice(id, { progress: 1 + 4 + 16, changed_at: long })
    await fixtures.rolloutDevice(id, { progress: 1 + 128, changed_at: long })
    await fixtures.rolloutDevice(other, { progress: 1, changed_at: long })
    expect((await adoptionOf(id)).stuck).toBe(2)
  })

  test('the health of releases, all their rollouts together and each', async () => {
    const production = await fixtures.rollout()
    const beta = await fixtures.rollout({ channel: 'beta' })
    const newer = await fixtures.rollout({ release_id: RELEASES[1].id })
    const embedded = await fixtures.rollout({ release_id: null })
    const quiet = await fixtures.rollout()
    await fixtures.rolloutHour(production, {
      hour_at: hour(-1),
      attempted: 60,
      running: 54,
      attempted_bad: 6,
      crashed: 6,
    })
    await fixtures.rolloutHour(production, { hour_at: hour(-24 * 20), attempted: 20, running: 20 })
    await fixtures.rolloutHour(beta, {
      hour_at: hour(-2),
      attempted: 20,
      confirmed: 18,
      rolled_back: 2,
      attempted_bad: 2,
    })
    await fixtures.rolloutHour(newer, { hour_at: hour(-1), attempted: 5, failed: 5, attempted_bad: 5 })
    await fixtures.rolloutHour(embedded, { hour_at: hour(-1), offered: 5 })
    await fixtures.rolloutHour(quiet, { hour_at: hour(-24 * 30), attempted: 5, running: 5 })
    const { releases } = await ask<ReleaseHealth>('releases/health')
    expect(releases).toMatchObject([
      { releaseId: null, version: null, attempted: 0, bad: { share: null } },
      { version: '2.0.0', attempted: 5, succeeded: { share: 0 }, failed: { devices: 5, share: 1, high: 1 } },
      {
        version: '1.0.0',
        attempted: 100,
        succeeded: { devices: 92 },
        bad: { devices: 8, share: 0.08 },
        crashed: { devices: 6, share: 0.06 },
        rolledBack: { devices: 2, share: 0.02 },
        rollouts: [
          { rolloutId: beta, channel: 'beta', attempted: 20, bad: { share: 0.1 } },
          { rolloutId: production, attempted: 80, succeeded: { devices: 74 } },
        ],
      },
    ])
    const onBeta = await ask<ReleaseHealth>('releases/health?channel=beta')
    expect(onBeta.releases).toMatchObject([{ rollouts: [{ rolloutId: beta }] }])
  })

  test('the arms of a test side by side', async () => {
    const red = await fixtures.rollout()
    const blue = await fixtures.rollout({ release_id: RELEASES[1].id })
    const experiment = await fixtures.experiment('colours', { blue, red })
    await fixtures.rollout()
    await fixtures.rolloutHour(red, { hour_at: hour(-1), offered: 12, attempted: 10, running: 9, attempted_bad: 1 })
    await fixtures.rolloutDevice(blue, { progress: 1, changed_at: NOW - 2 * DAY })
    expect(await ask<ExperimentResults>(`experiments/${experiment}`)).toMatchObject({
      experimentId: experiment,
      name: 'colours',
      arms: [
        { arm: 'blue', weight: 50, rolloutId: blue, version: '2.0.0', attempted: 0, bad: { share: null }, stuck: 1 },
        {
          arm: 'red',
          weight: 50,
          rolloutId: red,
          version: '1.0.0',
          offered: 12,
          attempted: 10,
          bad: { share: 0.1 },
          stuck: 0,
        },
      ],
    })
  })

  test('the health of a rollout over time: hour by hour, and all until then', async () => {
    const id = await fixtures.rollout({ created_at: hour(-3) })
    await fixtures.rolloutHour(id, { hour_at: hour(-3), attempted: 100, attempted_bad: 1, crashed: 1 })
    await fixtures.rolloutHour(id, { hour_at: hour(-1), attempted: 50, attempted_bad: 14, failed: 10, crashed: 4 })
    const { points } = await ask<RolloutHealth>(`rollouts/${id}/health`)
    const shown = points.map(({ at, attempted, bad, untilThen }) => [
      at,
      attempted,
      bad.devices,
      untilThen.attempted,
      untilThen.bad.share,
    ])
    expect(shown).toEqual([
      [iso(hour(-3)), 100, 1, 100, 0.01],
      [iso(hour(-2)), 0, 0, 100, 0.01],
      [iso(hour(-1)), 50, 14, 150, 0.1],
      [iso(hour(0)), 0, 0, 150, 0.1],
    ])
    const later = await ask<RolloutHealth>(`rollouts/${id}/health?from=${iso(hour(-1))}`)
    expect(later.points[0]?.untilThen).toMatchObject({ attempted: 150, bad: { devices: 15 } })
    const { body: csv } = await server.request(
      'GET',
      `/manage/v1/apps/${app.slug}/insights/rollouts/${id}/health?format=csv`,
    )
    expect(csv).toContain(`${iso(hour(-1))},50,14,10,0,4,150,15,0.1`)
  })
})
