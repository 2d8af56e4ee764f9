import type { App, Guard, PublishedRelease } from '@hotpatch/api'
import { bundleOf, fixedClock, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '../../ground/clock.ts'

describe('devices that anybody can invent', () => {
  const clock = fixedClock()
  let server: TestServer
  let app: App

  beforeAll(async () => {
    const env = { HOTPATCH_RATE_LIMIT_ADDRESS: '0', HOTPATCH_RATE_LIMIT_DEVICE: '0' }
    server = await startTestServer({ clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ deviceIds: 'hashed' })
    clock.advance(10 * HOUR_MS)
  })

  interface Phone {
    deviceId: string
    from: string
  }
  const phones = (name: string, count: number, networkOf: (index: number) => number = (index) => index): Phone[] =>
    Array.from({ length: count }, (_, index) => {
      const network = networkOf(index)
      return { deviceId: `${name}-${index}`, from: `20.${network >> 8}.${network & 255}.${index % 250}` }
    })
  const publish = (version: string, changes: Record<string, unknown> = {}): Promise<PublishedRelease> =>
    bundleOf(version).then((bundle) => server.published(app, { bundle, version, ...changes }))
  const each = async (some: readonly Phone[], act: (phone: Phone, index: number) => Promise<unknown>) => {
    for (const [index, phone] of some.entries()) await act(phone, index)
    // What checks told is in the database.
    await server.request('GET', `/manage/v1/apps/${app.slug}/devices?limit=1`)
  }
  const check = (some: readonly Phone[]) => each(some, ({ deviceId, from }) => server.check(app, { deviceId }, from))
  const report = (some: readonly Phone[], version: string, statusOf: (index: number) => string) =>
    each(some, ({ deviceId, from }, index) => server.report(app, { deviceId, version, status: statusOf(index) }, from))
  const guardOf = async ({ rolloutId }: PublishedRelease): Promise<Guard> =>
    (await server.request('GET', `/manage/v1/rollouts/${rolloutId}/guard`)).body
  const stateOf = async ({ rolloutId }: PublishedRelease): Promise<string> =>
    (await server.request('GET', `/manage/v1/rollouts/${rolloutId}`)).body.state
  const percentageOf = async ({ rolloutId }: PublishedRelease): Promise<number> =>
    (await server.request('GET', `/manage/v1/rollouts/${rolloutId}`)).body.percentage

  const always = (status: string) => () => status
  const aThird = (index: number) => (index % 3 === 0 ? 'rolled_back' : 'confirmed')

  describe('decide nothing', () => {
    test('a hundred that report and never checked halt no release, and are shown', async () => {
      const release = await publish('1.0.0', { guard: { action: 'roll-back' } })
      await report(phones('invented', 100), '1.0.0', always('rolled_back'))
      await server.tick()
      expect(await stateOf(release)).toBe('active')
      const { figures } = await guardOf(release)
      expect(figures).toMatchObject({ sample: 0, bad: 0 })
      expect(figures.leftOut).toMatchObject({ devices: 100, bad: 100, notOffered: 100, tooNew: 0, sameNetwork: 0 })
      const health = (await server.request('GET', `/manage/v1/apps/${app.slug}/insights/releases/health`)).body
      expect(health.releases[0]).toMatchObject({
        attempted: 100,
        believed: { attempted: 0, leftOut: { devices: 100, bad: 100 } },
      })
    })

    test('nor do those that check first, as long as they are new', async () => {
      const release = await publish('1.0.0')
      const invented = phones('invented', 100)
      await check(invented)
      await report(invented, '1.0.0', always('rolled_back'))
      await server.tick()
      expect(await stateOf(release)).toBe('active')
      expect((await guardOf(release)).figures.leftOut).toMatchObject({ notOffered: 0, tooNew: 100 })
    })

    test('nor those of three networks, though they were there before, however many there are', async () => {
      const invented = phones('invented', 150, (index) => 1_000 + (index % 3))
      const honest = phones('honest', 150)
      await check([...honest, ...invented])
      clock.advance(MINUTE_MS)
      const release = await publish('1.0.0')
      await check([...honest, ...invented])
      await report(honest, '1.0.0', always('confirmed'))
      await report(invented, '1.0.0', always('rolled_back'))
      await server.tick()
      expect(await stateOf(release)).toBe('active')
      const { figures } = await guardOf(release)
      expect(figures).toMatchObject({ sample: 159, bad: 9 })
      expect(figures.leftOut).toMatchObject({ devices: 141, bad: 141, sameNetwork: 141 })
    })

    test('forty that say they confirmed it do not widen a plan', async () => {
      const steps = [
        { percentage: 1, bakeMinutes: 0, minimumSample: 10 },
        { percentage: 100, bakeMinutes: 0 },
      ]
      const release = await publish('1.0.0', { rolloutPercentage: undefined, plan: { steps } })
      const invented = phones('invented', 40)
      await report(invented, '1.0.0', always('confirmed'))
      await server.tick()
      expect(await percentageOf(release)).toBe(1)
      const of = `/manage/v1/rollouts/${release.rolloutId}/plan`
      expect((await server.request('GET', of)).body).toMatchObject({ attempted: 0, waitsFor: { missing: 10 } })
    })

    test('and whoever has the id of a real device has one voice, however often and differently it speaks', async () => {
      const [phone] = phones('real', 1)
      await check(phone ? [phone] : [])
      clock.advance(MINUTE_MS)
      const release = await publish('1.0.0')
      await check(phone ? [phone] : [])
      for (const status of ['confirmed', 'rolled_back', 'failed', 'crashed', 'confirmed', 'rolled_back']) {
        for (const network of [7, 8, 9]) {
          const impostor = { deviceId: 'real-0', from: `20.9.${network}.1` }
          await check([impostor])
          await report([impostor], '1.0.0', always(status))
        }
      }
      expect((await guardOf(release)).figures).toMatchObject({ sample: 1, bad: 1 })
    })
  })

  describe('above that, what is decided is what they say', () => {
    test('thirty networks that were there before stop a release', async () => {
      const invented = phones('invented', 90, (index) => 1_000 + (index % 30))
      const honest = phones('honest', 150)
      await check([...honest, ...invented])
      clock.advance(MINUTE_MS)
      const release = await publish('1.0.0')
      await check([...honest, ...invented])
      await report(honest, '1.0.0', always('confirmed'))
      await report(invented, '1.0.0', always('rolled_back'))
      await server.tick()
      expect(await stateOf(release)).toBe('paused')
    })
  })

  describe('make no guard blind', () => {
    test('a fleet that was there before is believed at once', async () => {
      const honest = phones('honest', 60)
      await check(honest)
      clock.advance(MINUTE_MS)
      const release = await publish('1.0.0')
      await check(honest)
      await report(honest, '1.0.0', aThird)
      await server.tick()
      expect(await stateOf(release)).toBe('paused')
      expect((await guardOf(release)).trip?.figures).toMatchObject({ sample: 60, bad: 20, leftOut: { devices: 0 } })
    })

    test.each([
      ['every hour', HOUR_MS],
      ['once a day', 24 * HOUR_MS],
    ])('a fleet that is all new is believed when it checks again: %s', async (_often, afterMs) => {
      const release = await publish('1.0.0')
      const honest = phones('honest', 60)
      await check(honest)
      await report(honest, '1.0.0', aThird)
      await server.tick()
      expect(await stateOf(release)).toBe('active')
      expect((await guardOf(release)).figures).toMatchObject({ sample: 0, leftOut: { tooNew: 60 } })
      clock.advance(afterMs)
      await check(honest)
      await server.tick()
      expect(await stateOf(release)).toBe('paused')
    })

    test('phones of one office count, when nearly all were in it before', async () => {
      const office = phones('office', 60, () => 5)
      await check(office)
      clock.advance(MINUTE_MS)
      const release = await publish('1.0.0')
      await check(office)
      await report(office, '1.0.0', aThird)
      await server.tick()
      expect(await stateOf(release)).toBe('paused')
    })

    test('phones that share the addresses of a carrier count by what they are of the fleet', async () => {
      // Each network has a dozen of them.
      const carrier = phones('carrier', 240, (index) => index % 20)
      await check(carrier)
      clock.advance(MINUTE_MS)
      const release = await publish('1.0.0')
      await check(carrier)
      await report(carrier, '1.0.0', aThird)
      await server.tick()
      expect(await stateOf(release)).toBe('paused')
      expect((await guardOf(release)).trip?.figures.sample).toBeGreaterThanOrEqual(60)
    })

    test('an app whose fleet lives for seconds can say so', async () => {
      const trust = { observedMinutes: 0, networkPercent: 100 }
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { trust } })
      const release = await publish('1.0.0')
      const honest = phones('honest', 60, () => 5)
      await check(honest)
      await report(honest, '1.0.0', aThird)
      await server.tick()
      expect(await stateOf(release)).toBe('paused')
    })
  })

  describe('claim no cohort', () => {
    const staffOnly = { percentage: 0, cohorts: ['staff'] }
    const claim = (cohorts: string[]) => server.check(app, { deviceId: 'stranger', cohorts })
    const why = async () => (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/stranger/explain`)).body

    beforeEach(() => server.request('POST', `/manage/v1/apps/${app.slug}/cohorts`, { body: { name: 'staff' } }))

    test('unless the app lets them, and why says so', async () => {
      await publish('1.0.0', staffOnly)
      expect((await claim(['staff'])).body.updateAvailable).toBe(false)
      const explanation = await why()
      expect(explanation.decision.kind).toBe('up-to-date')
      expect(explanation.device.cohorts).toEqual([])
      expect(explanation.notices).toEqual([
        {
          kind: 'cohort-claim-ignored',
          explanation: 'It claims the cohort staff, which this app does not let devices claim.',
        },
      ])
      const body = { deviceCohorts: 'allowed' }
      expect((await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body })).body).toMatchObject(body)
      expect((await claim(['staff'])).body.version).toBe('1.0.0')
      expect((await why()).notices).toEqual([])
    })

    test('while those that people put into it are in it', async () => {
      await publish('1.0.0', staffOnly)
      const body = { add: ['stranger'] }
      const of = `/manage/v1/apps/${app.slug}/cohorts/staff/devices`
      expect((await server.request('POST', of, { body })).status).toBe(200)
      expect((await claim(['staff'])).body.version).toBe('1.0.0')
      expect((await why()).notices).toEqual([])
    })
  })
})
