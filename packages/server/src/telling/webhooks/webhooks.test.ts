import type { Announcement, WebhookDeliveryDetail, WebhookWithSecret } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDatabase,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { startReceiver, type Received } from './testing/receiver.ts'

const env = { HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8' }

describeOnEveryDatabase('webhooks', (openDatabase) => {
  let db: Database
  let server: TestServer
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  const logged: string[] = []

  beforeAll(async () => {
    db = await openDatabase()
    receiver = await startReceiver()
    const logTo = { write: (line: string) => void logged.push(line) }
    server = await startTestServer({ database: db, env: { ...env, HOTPATCH_LOG_LEVEL: 'debug' }, logTo })
  })
  afterAll(async () => {
    await server.close()
    await receiver.close()
  })

  const call = (method: string, path: string, body?: unknown, token?: string) =>
    server.request(method, `/manage/v1/webhooks${path}`, { body, ...(token !== undefined && { token }) })
  const create = async (fields: Record<string, unknown> = {}): Promise<WebhookWithSecret> => {
    const response = await call('POST', '', { url: receiver.url, ...fields })
    if (response.status !== 201) throw new Error(JSON.stringify(response.body))
    return response.body as WebhookWithSecret
  }

  test('are made, shown, listed, changed and removed', async () => {
    const app = await server.createTestApp()
    const created = await create({ app: app.slug, types: ['rollout.paused'] })
    const { secret, ...webhook } = created
    expect(webhook).toEqual({
      id: expect.any(String),
      appId: app.id,
      url: receiver.url,
      types: ['rollout.paused'],
      isEnabled: true,
      disabledReason: null,
      failingSince: null,
      createdAt: expect.any(String),
      createdBy: 'owner',
      updatedAt: expect.any(String),
    })
    expect(secret).toMatch(/^whsec_/)
    expect((await call('GET', `/${webhook.id}`)).body).toEqual(webhook)
    expect((await call('GET', `?app=${app.slug}`)).body.items).toEqual([webhook])
    const changes = { url: `${receiver.url}/other`, types: [], isEnabled: false }
    expect((await call('PATCH', `/${webhook.id}`, changes)).body).toMatchObject(changes)
    expect((await call('DELETE', `/${webhook.id}`)).status).toBe(200)
    expect(problemOf(await call('GET', `/${webhook.id}`))).toBe('404 webhook-not-found')
  })

  describe('are refused and change nothing', () => {
    test.each([
      ['a private address', { url: 'http://10.0.0.1/' }, '422 webhook-address-refused'],
      ['no TLS', { url: 'http://93.184.215.14/' }, '422 webhook-address-refused'],
      ['another scheme', { url: 'ftp://example.com/' }, '422 webhook-address-refused'],
      ['no address', { url: 'example' }, '422 webhook-address-refused'],
      ['an empty address', { url: '' }, '400 invalid-request'],
      ['a type that there is not', { types: ['rollout.eaten'] }, '400 invalid-request'],
      ['a type twice', { types: ['rollback', 'rollback'] }, '400 invalid-request'],
      ['an app that there is not', { app: 'nobodys' }, '404 app-not-found'],
      ['a field that there is not', { secret: 'whsec_mine' }, '400 invalid-request'],
    ])('with %s', async (_case, fields, expected) => {
      const before = await dumpDatabase(db)
      expect(problemOf(await call('POST', '', { url: receiver.url, ...fields }))).toBe(expected)
      expect(await dumpDatabase(db)).toEqual(before)
    })

    test('when changed to an address that is', async () => {
      const { id } = await create()
      const response = await call('PATCH', `/${id}`, { url: 'http://169.254.169.254/latest' })
      expect(problemOf(response)).toBe('422 webhook-address-refused')
      expect((await call('GET', `/${id}`)).body.url).toBe(receiver.url)
      await call('DELETE', `/${id}`)
    })

    test('beyond a hundred for an app', async () => {
      const app = await server.createTestApp()
      for (let count = 0; count < 100; count++) await create({ app: app.id, url: receiver.url })
      expect(problemOf(await call('POST', '', { url: receiver.url, app: app.id }))).toBe('409 too-many-webhooks')
    })
  })

  describe('for all apps', () => {
    test('are an owner’s to make and change, and an admin’s to see', async () => {
      const admin = await server.createToken({ role: 'admin' })
      expect(problemOf(await call('POST', '', { url: receiver.url }, admin))).toBe('403 forbidden')
      const { id } = await create()
      expect((await call('GET', `/${id}`, undefined, admin)).status).toBe(200)
      for (const [method, path, body] of [
        ['PATCH', `/${id}`, { isEnabled: false }],
        ['DELETE', `/${id}`],
        ['POST', `/${id}/rotate-secret`],
        ['POST', `/${id}/test`],
      ] as const) {
        expect(problemOf(await call(method, path, body, admin))).toBe('403 forbidden')
      }
      await call('DELETE', `/${id}`)
    })

    test('are not for a token that is for one app', async () => {
      const app = await server.createTestApp()
      const { id } = await create()
      const token = await server.createToken({ role: 'owner', app: app.slug })
      expect(problemOf(await call('GET', `/${id}`, undefined, token))).toBe('403 forbidden')
      expect(problemOf(await call('POST', '', { url: receiver.url }, token))).toBe('403 forbidden')
      expect((await call('POST', '', { url: receiver.url, app: app.slug }, token)).status).toBe(201)
      expect((await call('GET', '', undefined, token)).body.items).toHaveLength(1)
      await call('DELETE', `/${id}`)
    })
  })

  test('a secret is shown when it is made, and nowhere else', async () => {
    const app = await server.createTestApp()
    const created = await create({ app: app.slug })
    const rotated = (await call('POST', `/${created.id}/rotate-secret`)).body as WebhookWithSecret
    expect(rotated.secret).not.toBe(created.secret)
    const test = (await call('POST', `/${created.id}/test`)).body as WebhookDeliveryDetail
    await call('PATCH', `/${created.id}`, { isEnabled: false })
    const shown = [
      await call('GET', ''),
      await call('GET', `/${created.id}`),
      await call('GET', `/${created.id}/deliveries`),
      await call('GET', `/${created.id}/deliveries/${test.id}`),
      await call('DELETE', `/${created.id}`),
    ]
    const audit = await server.request('GET', `/manage/v1/audit?app=${app.slug}&limit=200`)
    expect([...shown, audit].map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    const actions = (audit.body.items as { action: string }[]).map(({ action }) => action)
    expect(actions).toEqual([
      'webhook.deleted',
      'webhook.changed',
      'webhook.tested',
      'webhook.secret-rotated',
      'webhook.created',
      'app.created',
    ])
    const everything = JSON.stringify([...shown, audit]) + logged.join('\n')
    for (const { secret } of [created, rotated]) expect(everything).not.toContain(secret.slice('whsec_'.length))
    expect(logged.join('\n')).toContain('/rotate-secret')
  })

  test('a test is sent once and says what came of it, also to a disabled webhook', async () => {
    const app = await server.createTestApp()
    const { id } = await create({ app: app.slug })
    await call('PATCH', `/${id}`, { isEnabled: false })
    const { status, body } = await call('POST', `/${id}/test`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      type: 'webhook.test',
      state: 'delivered',
      attempts: 1,
      lastStatus: 204,
      lastError: null,
    })
    expect(body.log).toEqual([{ at: expect.any(String), status: 204, error: null, durationMs: expect.any(Number) }])
    const { headers, body: sent } = receiver.received.at(-1) as Received
    expect(headers['webhook-id']).toBe(body.messageId)
    expect(JSON.parse(sent)).toEqual(body.payload)
    expect(body.payload).toEqual({
      type: 'webhook.test',
      timestamp: expect.any(String),
      data: { webhookId: id, by: 'owner' },
    })

    await call('PATCH', `/${id}`, { url: 'http://127.0.0.1:9/' })
    const failed = (await call('POST', `/${id}/test`)).body
    expect(failed).toMatchObject({ state: 'failed', attempts: 1, lastStatus: null, nextAttemptAt: null })
    expect(failed.lastError).toMatch(/ECONNREFUSED/)
    expect((await call('GET', `/${id}`)).body).toMatchObject({ failingSince: null })
  })

  test('an unknown delivery is not there', async () => {
    const { id } = await create()
    expect(problemOf(await call('GET', `/${id}/deliveries/nothing`))).toBe('404 delivery-not-found')
    expect(problemOf(await call('POST', `/${id}/deliveries/nothing/redeliver`))).toBe('404 delivery-not-found')
    await call('DELETE', `/${id}`)
  })
})

describeOnEveryDatabase('announcements', (openDatabase) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase() })
  })
  afterAll(() => server.close())

  const list = async (app: { slug: string }): Promise<Announcement[]> =>
    (await server.request('GET', `/manage/v1/announcements?app=${app.slug}`)).body.items.toReversed()

  test('tell what happens to releases and rollouts, without the forced devices', async () => {
    const app = await server.createTestApp()
    const bundle = await bundleOf('one')
    const { releaseId, rolloutId } = await server.published(app, { bundle, percentage: 10, devices: ['secret-device'] })
    await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage: 50 } })
    for (const name of ['pause', 'resume', 'halt', 'withdraw']) {
      await server.request('POST', `/manage/v1/rollouts/${rolloutId}/${name}`)
    }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body: { releaseId, channel: 'beta' } })
    const back = { platform: 'android', channel: 'production', to: 'embedded' }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body: back })
    await server.request('DELETE', `/manage/v1/releases/${releaseId}`)

    const told = await list(app)
    expect(told.map(({ type }) => type)).toEqual([
      'release.published',
      'rollout.started',
      'rollout.changed',
      'rollout.paused',
      'rollout.resumed',
      'rollout.halted',
      'rollout.withdrawn',
      'rollout.started',
      'rollback',
      'rollout.withdrawn',
    ])
    expect(told[0]?.data).toMatchObject({ release: { id: releaseId, version: '1.0.0' }, by: 'owner' })
    expect(told[2]).toMatchObject({
      appId: app.id,
      data: { rollout: { id: rolloutId, percentage: 50 }, previous: { percentage: 10 }, by: 'owner' },
    })
    expect(JSON.stringify(told)).not.toContain('secret-device')
    expect((await server.check(app, { deviceId: 'secret-device' })).status).toBe(200)
  })

  test('tell nothing of what was refused', async () => {
    const app = await server.createTestApp()
    const { rolloutId } = await server.published(app, { bundle: await bundleOf('two') })
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    const before = await list(app)
    expect((await server.request('POST', `/manage/v1/rollouts/${rolloutId}/resume`)).status).toBe(409)
    expect((await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)).status).toBe(200)
    expect(await list(app)).toEqual(before)
  })
})
