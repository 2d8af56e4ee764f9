import { createManagementClient, type App, type ManagementClient } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const DEVICES = Array.from({ length: 120 }, (_, index) => `device-${index}`)

describeOnEveryDatabase('the results of an experiment', (openDatabase) => {
  let server: TestServer
  let client: ManagementClient
  let app: App

  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: await openDatabase(), clock: fixedClock(), env })
    client = createManagementClient({ url: await server.listen(), token: server.ownerToken })
    app = await server.createTestApp()
  })
  afterAll(() => server.close())

  /** Known to the app, and reaching nobody yet. */
  const placed = async (version: string) => {
    const options = { bundle: await bundleOf(version), version, channel: 'staging', percentage: 0 }
    return (await server.published(app, options)).releaseId
  }

  /** A device checks, takes what it is offered, and says how it went: every third one crashes with version 2.0.0. */
  async function live(deviceId: string, index: number): Promise<{ version: string; isBad: boolean }> {
    const { body: offer } = await server.check(app, { deviceId })
    const isBad = offer.version === '2.0.0' && index % 3 === 0
    for (const kind of ['downloaded', 'applied', isBad ? 'crashed' : 'confirmed']) {
      const event = { id: `${deviceId}-${kind}`, kind, releaseId: offer.releaseId }
      const { status, body } = await server.request('POST', '/events', {
        body: { deviceId, platform: 'android', channel: 'production', events: [event] },
        token: null,
        headers: { 'x-app-key': app.appKey },
      })
      expect([status, body]).toEqual([200, { accepted: 1, rejected: [] }])
    }
    if (!isBad) await server.check(app, { deviceId, releaseId: offer.releaseId, nativeVersion: '1.0' })
    return { version: offer.version, isBad }
  }

  test('tell the arms apart: what a device does counts for its own arm, and for that alone', async () => {
    const [one, two] = [await placed('1.0.0'), await placed('2.0.0')]
    const { id, arms } = await client.createExperiment(app.slug, {
      name: 'Start screen',
      channel: 'production',
      arms: [
        { name: 'old', weight: 60, releaseId: one },
        { name: 'new', weight: 40, releaseId: two },
      ],
    })
    const lives = await Promise.all(DEVICES.map(live))
    // What is asked of the fleet is asked when all of it is written.
    expect((await client.listDevices(app.slug, { limit: 200 })).items).toHaveLength(DEVICES.length)

    const inArm = (version: string) => lives.filter((each) => each.version === version)
    const figuresOf = (version: string) => {
      const attempted = inArm(version).length
      const bad = inArm(version).filter(({ isBad }) => isBad).length
      const good = attempted - bad
      return {
        version,
        offered: attempted,
        downloaded: attempted,
        applied: attempted,
        attempted,
        confirmed: good,
        // One that crashed has not said that it left the release.
        running: attempted,
        stuck: 0,
        succeeded: { devices: good },
        failed: { devices: 0 },
        bad: { devices: bad, share: bad / attempted },
        crashed: { devices: bad, share: bad / attempted },
      }
    }
    const results = await client.getExperimentResults(app.slug, id)
    expect(results).toMatchObject({
      experimentId: id,
      name: 'Start screen',
      arms: [
        { arm: 'old', weight: 60, rolloutId: arms[0]?.rolloutId, releaseId: one, ...figuresOf('1.0.0') },
        { arm: 'new', weight: 40, rolloutId: arms[1]?.rolloutId, releaseId: two, ...figuresOf('2.0.0') },
      ],
    })
    const [old, fresh] = results.arms
    // A third of some fifty against none of some seventy: the intervals say that it is no chance.
    expect(fresh?.bad.low).toBeGreaterThan(old?.bad.high ?? 1)

    const csv = await client.getInsightCsv(app.slug, ['experiments', id])
    expect(csv.split('\r\n').map((line) => line.split(',')[0])).toEqual(['arm', 'old', 'new', ''])
  })

  test('are for those who may read the app', async () => {
    const [experiment] = (await client.listExperiments(app.slug)).items
    const other = await server.createTestApp()
    const token = await server.createToken({ role: 'reader', app: other.slug })
    const ask = (slug: string) =>
      server.request('GET', `/manage/v1/apps/${slug}/insights/experiments/${experiment?.id}`, { token })
    expect(problemOf(await ask(app.slug))).toBe('403 forbidden')
    expect(problemOf(await ask(other.slug))).toBe('404 experiment-not-found')
    const one = await server.request('GET', `/manage/v1/experiments/${experiment?.id}`, { token })
    expect(problemOf(one)).toBe('403 forbidden')
  })
})
