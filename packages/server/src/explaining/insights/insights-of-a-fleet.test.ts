import type { Adoption, Checks, Downloads, Overview, Reasons, ReleaseHealth, VersionDistribution } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NOW } from './testing/insight-fixtures.ts'

// What the fleet writes is what insights read.
describeOnEveryDatabase('insights of a fleet', (open) => {
  let server: TestServer

  beforeAll(async () => {
    server = await startTestServer({ database: await open(), clock: { now: () => NOW } })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))

  test('that checks, downloads and reports', async () => {
    const app = await server.createTestApp()
    const { releaseId, rolloutId, content } = await server.published(app, {
      version: '1.1.0',
      bundle: await bundleOf('one'),
    })
    const place = { platform: 'android', channel: 'production' }
    for (const deviceId of ['a', 'b', 'c']) await server.check(app, { deviceId, version: '1.0.0', ...place })
    const { sizeBytes } = content
    const download = new URL(content.downloadUrl, 'http://localhost').pathname
    expect((await server.request('GET', download, { token: null })).status).toBe(200)
    const report = async (deviceId: string, ...kinds: string[]) => {
      const events = kinds.map((kind) => ({
        id: `${deviceId}-${kind}`,
        kind,
        releaseId,
        ...(kind === 'downloaded' && { receivedBytes: 10 }),
      }))
      const body = { appId: app.id, deviceId, ...place, events }
      const headers = { 'x-app-key': app.appKey }
      const answer = await server.request('POST', '/events', { body, headers, token: null })
      expect(answer.body).toMatchObject({ accepted: kinds.length, rejected: [] })
    }
    await report('a', 'downloaded', 'applied', 'confirmed')
    await report('b', 'applied', 'rolled-back')
    await server.check(app, { deviceId: 'a', version: '1.1.0', releaseId, ...place })
    await server.check(app, { deviceId: 'b', version: '1.0.0', ...place })

    const ask = async <Answer>(path: string) => {
      const { status, body } = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/${path}`)
      expect([status, body]).toEqual([200, expect.anything()])
      return body as Answer
    }
    // Reading devices waits until everything that was told is written.
    await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
    expect(await ask<Overview>('overview')).toMatchObject({
      active: { day: { devices: 3 } },
      known: 3,
      new: 3,
      checks: { total: 5 },
      downloads: { count: 1, sentBytes: sizeBytes },
    })
    expect(await ask<Adoption>(`rollouts/${rolloutId}/adoption`)).toMatchObject({
      eligible: { devices: 3, basis: 'known' },
      offered: 3,
      downloaded: 1,
      applied: 2,
      confirmed: 1,
      running: 1,
      attempted: 2,
      succeeded: { devices: 1, share: 0.5 },
      rolledBack: { devices: 1, share: 0.5 },
      bad: { devices: 1 },
      crashed: { devices: 0 },
    })
    expect(await ask<ReleaseHealth>('releases/health')).toMatchObject({
      releases: [{ releaseId, attempted: 2, rollouts: [{ rolloutId, attempted: 2 }] }],
    })
    expect(await ask<Downloads>('downloads')).toMatchObject({
      downloads: 1,
      toldDownloads: 1,
      toldBytes: 10,
      savedBytes: sizeBytes - 10,
    })
    expect((await ask<VersionDistribution>('versions')).now).toEqual([
      { version: null, devices: 2, share: 2 / 3 },
      { version: '1.1.0', devices: 1, share: 1 / 3 },
    ])
    expect((await ask<Checks>('checks')).total).toBe(5)
    expect((await ask<Reasons>('reasons')).reasons).toMatchObject([
      { reason: 'failed-on-this-device', checks: 1, share: 0.5 },
      { reason: 'runs-the-target', checks: 1, share: 0.5 },
    ])
  })
})
