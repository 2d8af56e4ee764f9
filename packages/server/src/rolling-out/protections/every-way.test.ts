import type { App } from '@hotpatch/api'
import { batchOf, bundleOf, problemOf, sha256Of, startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

/** Ways to bring something to devices that are not a rollout's own routes. */
describe('a protected channel', () => {
  let server: TestServer
  let app: App
  let token: string
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ platforms: ['android', 'linux'] })
    token = await server.createToken({ role: 'publisher', app: app.slug })
  })

  const at = (path: string) => `/manage/v1/apps/${app.slug}${path}`
  const protect = (body: object = { roles: ['owner'] }) =>
    server.request('PUT', at('/channels/production/protection'), { body })
  const send = (method: string, path: string, body?: unknown, as = token) =>
    server.request(method, path, { token: as, ...(body !== undefined && { body }) })

  const publishes: [string, () => Promise<{ status: number; body: unknown }>][] = [
    [
      "CodePush's tools",
      async () => {
        await send('POST', `/code-push/apps/${app.slug}/deployments/`, { name: 'Production' }, server.ownerToken)
        const form = new FormData()
        const zip = await zipOf({ 'CodePush/index.android.bundle': 'one' })
        form.append('package', new Blob([new Uint8Array(zip)]), 'package.zip')
        form.append('packageInfo', JSON.stringify({ appVersion: '1.0.0' }))
        const path = `/code-push/apps/${app.slug}/deployments/Production/release`
        return server.request('POST', path, { form, token })
      },
    ],
    [
      'the contract of app versions',
      () =>
        send('POST', `/apps/${app.slug}/api/updates/publish`, {
          platform: 'linux',
          version: '1.0.0',
          download_url: 'https://downloads.example.com/editor-1.0.0.deb',
          file_size: 7,
          checksum: 'a'.repeat(64),
        }),
    ],
    [
      'the contract of asset updates',
      async () => {
        const bytes = Buffer.from('start()')
        await server.request('POST', at('/artifacts/batch'), { form: batchOf([bytes]), token })
        const assets = [{ path: 'main.js', checksum: sha256Of(bytes), size: bytes.length }]
        const update = { version: '1.0.0', platform: 'android', launch: 'main.js', assets }
        return send('POST', '/api/v1/updates/publish', update)
      },
    ],
  ]

  test.each(publishes)('takes nothing by %s from whom it keeps out', async (_way, publish) => {
    await protect()
    const refused = await publish()
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([403, expect.stringMatching(/is protected/)])
    expect((await server.request('GET', at('/releases'))).body.items).toEqual([])
    await protect({ roles: ['publisher'] })
    expect((await publish()).status).toBe(201)
  })

  test('is told of by the preflight, before anything is sent', async () => {
    const ask = async (as = token) =>
      (await send('POST', at('/releases/preflight'), { platform: 'android', version: '1.0.0' }, as)).body.findings
    expect(await ask()).toEqual([])
    await protect()
    expect(await ask()).toEqual([
      {
        check: 'channel-protected',
        severity: 'error',
        expected: 'a channel that you may publish to',
        found: 'The channel "production" is protected: only owner may do that there.',
        advice: expect.any(String),
      },
    ])
    expect(await ask(server.ownerToken)).toEqual([])
  })

  describe('for devices of a cohort that a rollout there names', () => {
    const change = (body: object, method = 'POST') => send(method, at('/cohorts/testers/devices'), body)
    const offered = async (deviceId: string) => (await server.check(app, { deviceId })).body.updateAvailable
    const place = async (channel = 'production') =>
      server.published(app, { bundle: await bundleOf('one'), channel, percentage: 0, cohorts: ['testers'] })

    test('is not reached by putting them into it', async () => {
      await place()
      await server.request('POST', at('/cohorts'), { body: { name: 'testers', devices: ['in'] } })
      await protect()
      for (const refused of [
        await change({ add: ['out'] }),
        await change({ remove: ['in'] }),
        await change({ devices: ['out'] }, 'PUT'),
      ]) {
        expect(problemOf(refused)).toBe('403 channel-protected')
      }
      expect([await offered('in'), await offered('out')]).toEqual([true, false])
      expect((await server.request('POST', at('/cohorts/testers/devices'), { body: { add: ['out'] } })).status).toBe(
        200,
      )
    })

    test('nor by making it', async () => {
      await place()
      await protect()
      const testers = { name: 'testers', devices: ['out'] }
      expect(problemOf(await send('POST', at('/cohorts'), testers))).toBe('403 channel-protected')
      expect((await send('POST', at('/cohorts'), { ...testers, name: 'others' })).status).toBe(201)
      expect(await offered('out')).toBe(false)
    })

    test('takes a second person where it does; leaving it does not', async () => {
      await place()
      await server.request('POST', at('/cohorts'), { body: { name: 'testers', devices: ['in'] } })
      await protect({ roles: ['publisher'], needsApproval: true })
      const refused = await change({ add: ['out'] })
      expect(problemOf(refused)).toBe('409 approval-required')
      expect(refused.body.detail).toContain('another cohort')
      expect((await change({ remove: ['in'] })).status).toBe(200)
    })

    test('is none of those of other channels, nor of what has ended', async () => {
      const { rolloutId } = await place()
      await place('beta')
      await server.request('POST', at('/cohorts'), { body: { name: 'testers' } })
      await protect()
      await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
      expect((await change({ add: ['out'] })).status).toBe(200)
    })
  })
})
