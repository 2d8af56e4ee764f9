import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UpdaterOptions } from '../ground/settings.ts'
import { sendJson, startBundleServer, type BundleServer } from '../testing/bundle-server.ts'
import { createFollower, until } from '../testing/follower.ts'

const MANIFEST = '/api/v1/native/bundle/manifest'
const hotPatch = { appKey: 'hpk_key', channel: 'beta', platform: 'android' } as const
const connected: Partial<UpdaterOptions> = { hotPatch }

let server: BundleServer
beforeEach(async () => {
  server = await startBundleServer('/apps/shop')
})
afterEach(() => server.stop())

/**
 * Events are sent behind a check, not by it; and again, under the same id, when the page was gone before it heard that they
 * had arrived.
 */
async function told(count: number) {
  const once = () => new Map(server.events().map((event) => [event.id, event]))
  await until(() => once().size >= count)
  return [...once().values()].map(({ kind, version, code }) => [kind, version, code].filter(Boolean).join(' '))
}

describe('an app of a HotPatch server', () => {
  test('asks for its channel with its key, and tells of an update that went well', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, { options: connected })
    await app.start()
    await app.accept()
    expect(await told(3)).toEqual(['downloaded 1.1.0', 'applied 1.1.0', 'confirmed 1.1.0'])
    const [manifest] = server.seen(MANIFEST)
    // As this device (Web bundle §9): so it is in partial rollouts, too.
    expect(Object.fromEntries(new URLSearchParams(manifest?.query))).toEqual({
      platform: 'android',
      channel: 'beta',
      deviceId: '5f0c2f7e-0000-4000-8000-000000000001',
      version: '1.0.0',
      nativeVersion: '1.0.0',
    })
    expect(manifest?.headers['x-app-key']).toBe('hpk_key')
    const [first] = server.seen('/events')
    expect(first?.headers['x-app-key']).toBe('hpk_key')
    expect(JSON.parse(first?.body ?? '')).toEqual({
      deviceId: '5f0c2f7e-0000-4000-8000-000000000001',
      platform: 'android',
      channel: 'beta',
      nativeVersion: '1.0.0',
      sentAt: expect.any(Number),
      events: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          kind: 'downloaded',
          version: '1.1.0',
          occurredAt: expect.any(Number),
        },
      ],
    })
  })

  test('tells that the plugin went back', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, { options: connected, broken: ['1.1.0'] })
    await app.start()
    await app.accept()
    await app.phone.advance(30_000)
    expect(await told(2)).toEqual(['downloaded 1.1.0', 'rolled-back 1.1.0 not-confirmed'])
  })

  test('tells of a download and a switch that failed, once', async () => {
    server.serve({ version: '1.1.0', checksum: 'a'.repeat(64) })
    const app = createFollower(server.url, { options: connected })
    await app.start()
    await app.comeBack()
    server.serve({ version: '1.2.0', files: { 'app.js': '', 'other.js': '' } })
    await app.comeBack()
    await app.updater().reload()
    await app.updater().reload()
    await app.comeBack()
    expect(await told(4)).toEqual([
      'download-failed 1.1.0 download-failed',
      'downloaded 1.2.0',
      'failed 1.2.0 storage-failed',
      'downloaded 1.2.0',
    ])
  })

  test('keeps what it could not tell, under the same id, beyond the end of the process', async () => {
    server.serve({ version: '1.1.0' })
    server.answerWith('/events', (_request, response) => response.writeHead(500).end())
    const app = createFollower(server.url, { options: connected })
    await app.start()
    await until(() => server.events().length === 1)
    const [lost] = server.events()
    app.updater().later()
    server.answerWith('/events', undefined)
    server.serve({ version: '1.0.0' })
    await app.start()
    await until(() => server.events().length === 2)
    expect(server.events().at(-1)).toEqual(lost)
    await app.comeBack()
    expect(server.seen('/events')).toHaveLength(2)
  })

  test('sends nothing for as long as the server asks', async () => {
    server.serve({ version: '1.1.0' })
    server.answerWith('/events', (_request, response) => response.writeHead(429, { 'retry-after': '60' }).end())
    const app = createFollower(server.url, { options: connected })
    await app.start()
    await until(() => server.events().length === 1)
    server.answerWith('/events', undefined)
    await app.comeBack()
    expect(server.seen('/events')).toHaveLength(1)
    await app.phone.advance(60_000)
    await app.comeBack()
    await until(() => server.seen('/events').length === 2)
  })

  test('does not let one event that is refused stand in the way of others', async () => {
    const events = ['1.0.1', 'refused', '1.0.3'].map((version, index) => ({
      id: `event-${index}`,
      kind: 'downloaded',
      version,
      occurredAt: 1,
    }))
    server.serve({ version: '1.0.0' })
    const taken: string[] = []
    server.answerWith('/events', ({ body }, response) => {
      const versions = (JSON.parse(body) as { events: { version: string }[] }).events.map(({ version }) => version)
      if (versions.includes('refused')) return sendJson(response, 400, { type: 'invalid-request' })
      taken.push(...versions)
      sendJson(response, 200, { accepted: versions.length, rejected: [] })
    })
    const app = createFollower(server.url, { options: connected })
    app.phone.stored.set('hotpatch.web-bundle', JSON.stringify({ nativeVersion: '1.0.0', events }))
    await app.start()
    await until(() => taken.length === 2)
    expect(taken).toEqual(['1.0.1', '1.0.3'])
    await until(() => ![...app.phone.stored.values()].join('').includes('refused'))
  })

  test('keeps a bounded number of events', async () => {
    const events = Array.from({ length: 150 }, (_, index) => ({
      id: `event-${index}`,
      kind: 'applied',
      version: '1',
      occurredAt: 1,
    }))
    server.serve({ version: '1.1.0' })
    server.answerWith('/events', (_request, response) => response.writeHead(500).end())
    const app = createFollower(server.url, { options: connected })
    app.phone.stored.set('hotpatch.web-bundle', JSON.stringify({ nativeVersion: '1.0.0', events }))
    await app.start()
    const kept = () => JSON.parse(app.phone.stored.get('hotpatch.web-bundle') ?? '') as { events: { id: string }[] }
    await until(() => kept().events.length === 100 && server.seen('/events').length > 0)
    expect(server.seen('/events')[0]?.body.match(/event-/g)?.length).toBeLessThanOrEqual(50)
  })

  test('without a device id sends nothing', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, {
      options: connected,
      wrap: ({ getDeviceId: _, ...plugin }) => plugin,
    })
    await app.start()
    await app.comeBack()
    expect(server.seen('/events')).toEqual([])
  })
})

describe('in directory mode', () => {
  test('nothing is ever sent, or kept to be sent', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, { broken: ['1.1.0'] })
    await app.start()
    await app.accept()
    await app.phone.advance(30_000)
    await app.start()
    expect(server.seen().every(({ method, query }) => method === 'GET' && query === '')).toBe(true)
    expect(server.seen(MANIFEST)[0]?.headers).not.toHaveProperty('x-app-key')
    expect(JSON.parse(app.phone.stored.get('hotpatch.web-bundle') ?? '')).toMatchObject({ events: [] })
  })
})

describe('a storage', () => {
  test.each(['{', '[]', 'null', '{"broken":7,"switching":{"id":1},"events":[{}],"downloaded":[1]}'])(
    'with %s in it is as good as empty',
    async (text) => {
      server.serve({ version: '1.1.0' })
      const app = createFollower(server.url, { options: connected })
      app.phone.stored.set('hotpatch.web-bundle', text)
      expect(await app.start()).toMatchObject({ kind: 'asked' })
      await app.accept()
      expect(app.running()).toBe('1.1.0')
    },
  )
})
