import type { App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  newSigningKey,
  problemOf,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

describeOnEveryDatabase('apps', (openDatabase) => {
  let server: TestServer
  let bundle: Buffer

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase() })
    bundle = await bundleOf('one')
  })
  afterAll(() => server.close())

  const create = (body: unknown) => server.request('POST', '/manage/v1/apps', { body })
  const change = (app: App, body: unknown) => server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body })
  const show = (app: App) => server.request('GET', `/manage/v1/apps/${app.slug}`)

  describe('that was made by mistake', () => {
    const remove = (app: App, token?: string) =>
      server.request('DELETE', `/manage/v1/apps/${app.slug}`, token === undefined ? {} : { token })

    test('is deleted with all that it had, and its slug is free again', async () => {
      const app = await server.createTestApp()
      const at = `/manage/v1/apps/${app.slug}`
      await server.request('POST', `${at}/keys`, { body: { publicKey: newSigningKey().publicKey } })
      await server.request('POST', `${at}/cohorts`, { body: { name: 'testers' } })
      const hook = { url: 'https://93.184.215.14/', app: app.slug, types: [] }
      await server.request('POST', '/manage/v1/webhooks', { body: hook })
      const token = await server.createToken({ role: 'publisher', app: app.slug })
      await server.request('POST', '/auth/token', { body: { apiKey: token }, token: null })
      expect((await remove(app)).body).toMatchObject({ id: app.id, slug: app.slug })
      expect(problemOf(await show(app))).toBe('404 app-not-found')
      expect(problemOf(await server.request('GET', '/manage/v1/whoami', { token }))).toBe('401 token-invalid')
      expect((await server.check(app)).status).toBe(401)
      const { body } = await server.request('GET', '/manage/v1/apps?limit=200')
      expect(body.items.map(({ id }: App) => id)).not.toContain(app.id)
      const again = await create({ slug: app.slug })
      expect(again.status).toBe(201)
      expect(again.body.id).not.toBe(app.id)
      const { body: audit } = await server.request('GET', `/manage/v1/audit?action=app.deleted`)
      expect(audit.items[0]).toMatchObject({ subjectId: app.id, before: { slug: app.slug } })
    })

    test('stays when something was published for it, or a device has checked', async () => {
      const [published, checked] = [await server.createTestApp(), await server.createTestApp()]
      await server.published(published, { bundle })
      await server.check(checked)
      for (const app of [published, checked]) {
        expect(problemOf(await remove(app))).toBe('409 app-in-use')
        expect((await show(app)).body).toEqual(app)
      }
    })

    test('is not deleted by a token of its own', async () => {
      const app = await server.createTestApp()
      const token = await server.createToken({ role: 'owner', app: app.slug })
      expect(problemOf(await remove(app, token))).toBe('403 forbidden')
    })
  })

  describe('a channel', () => {
    test('is one that devices choose themselves only when somebody said so', async () => {
      const app = await server.createTestApp()
      const at = `/manage/v1/apps/${app.slug}/channels`
      const opened = await server.request('POST', at, { body: { name: 'insiders', deviceChoice: 'open' } })
      expect(opened.body).toMatchObject({ name: 'insiders', deviceChoice: 'open' })
      const choice = async () => {
        const { body } = await server.request('GET', at)
        return body.items.map(({ name, deviceChoice }: Record<string, string>) => `${name} ${deviceChoice}`)
      }
      expect(await choice()).toEqual(['production closed', 'staging closed', 'beta closed', 'insiders open'])
      const set = (name: string, body: object) => server.request('PATCH', `${at}/${name}`, { body })
      expect((await set('beta', { deviceChoice: 'open' })).body).toMatchObject({ name: 'beta', deviceChoice: 'open' })
      expect((await set('insiders', { deviceChoice: 'closed' })).status).toBe(200)
      expect(await choice()).toEqual(['production closed', 'staging closed', 'beta open', 'insiders closed'])
      expect(problemOf(await set('nowhere', { deviceChoice: 'open' }))).toBe('404 channel-not-found')
      expect(problemOf(await set('beta', { deviceChoice: 'sometimes' }))).toBe('400 invalid-request')
      const { body: audit } = await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=channel.changed`)
      expect(audit.items.map(({ after }: { after: object }) => after)).toMatchObject([
        { name: 'insiders', deviceChoice: 'closed' },
        { name: 'beta', deviceChoice: 'open' },
      ])
    })

    test('on which nothing was ever placed is deleted, any other stays', async () => {
      const app = await server.createTestApp()
      const at = `/manage/v1/apps/${app.slug}/channels`
      await server.published(app, { bundle, channel: 'staging' })
      expect((await server.request('DELETE', `${at}/beta`)).body).toMatchObject({ name: 'beta' })
      expect(problemOf(await server.request('DELETE', `${at}/beta`))).toBe('404 channel-not-found')
      expect(problemOf(await server.request('DELETE', `${at}/staging`))).toBe('409 channel-in-use')
      expect(problemOf(await server.request('DELETE', `${at}/production`))).toBe('409 channel-in-use')
      const { body } = await server.request('GET', at)
      expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['production', 'staging'])
      expect((await server.check(app, { channel: 'beta' })).status).toBe(404)
    })
  })

  describe('an app', () => {
    test('starts with two platforms, three channels and a key of its own', async () => {
      const { status, body } = await create({ slug: 'first' })
      expect(status).toBe(201)
      expect(body).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        slug: 'first',
        name: 'first',
        appKey: expect.stringMatching(/^hpk_[\w-]{24}$/),
        platforms: ['android', 'ios'],
        checkAccess: 'app-key',
        bucketing: 'per-rollout',
        signing: 'optional',
        deviceIds: 'hashed',
        eventRetentionDays: 90,
        deviceRetentionDays: 400,
        archivedRetentionDays: null,
        guard: {},
        trust: {},
        deviceCohorts: 'ignored',
        deviceCredentials: 'off',
        bundleIds: [],
        createdAt: '2027-01-01T00:00:00.000Z',
      })
      const channels = await server.request('GET', '/manage/v1/apps/first/channels')
      expect(channels.body.items.map((channel: { name: string }) => channel.name)).toEqual([
        'production',
        'staging',
        'beta',
      ])
    })

    test('is found by its id and by its slug', async () => {
      const app = await server.createTestApp()
      for (const name of [app.id, app.slug]) {
        expect((await server.request('GET', `/manage/v1/apps/${name}`)).body).toEqual(app)
      }
      expect(problemOf(await server.request('GET', '/manage/v1/apps/nobody'))).toBe('404 app-not-found')
    })

    test('has bundle ids that no other app has, as a whole, and they are free again with it', async () => {
      const app = await server.createTestApp({ bundleIds: ['com.example.one', 'com.example.ios'] })
      expect(app.bundleIds).toEqual(['com.example.ios', 'com.example.one'])
      const other = await server.createTestApp()
      expect(problemOf(await change(other, { bundleIds: ['com.example.one'] }))).toBe('409 bundle-id-exists')
      expect(problemOf(await create({ slug: 'third', bundleIds: ['com.example.one'] }))).toBe('409 bundle-id-exists')
      expect((await change(app, { bundleIds: ['com.example.two'] })).body.bundleIds).toEqual(['com.example.two'])
      expect((await change(other, { bundleIds: ['com.example.one'] })).status).toBe(200)
      expect((await show(app)).body.bundleIds).toEqual(['com.example.two'])
      await server.request('DELETE', `/manage/v1/apps/${app.slug}`)
      expect((await change(other, { bundleIds: ['com.example.two'] })).status).toBe(200)
      const { body } = await server.request('GET', '/manage/v1/apps?limit=200')
      expect(body.items.find(({ id }: App) => id === other.id).bundleIds).toEqual(['com.example.two'])
      const { body: audit } = await server.request('GET', `/manage/v1/audit?app=${other.slug}&action=app.changed`)
      const names = { before: { bundleIds: ['com.example.one'] }, after: { bundleIds: ['com.example.two'] } }
      expect(audit.items[0]).toMatchObject(names)
    })

    test.each([['com example'], [''], ['.com'], ['com..example'], ['a'.repeat(256)]])(
      'has no bundle id like "%s"',
      async (bundleId) => {
        const app = await server.createTestApp()
        expect(problemOf(await change(app, { bundleIds: [bundleId] }))).toBe('400 invalid-request')
      },
    )

    test('has a slug of its own', async () => {
      const app = await server.createTestApp()
      expect(problemOf(await create({ slug: app.slug }))).toBe('409 app-exists')
    })

    test('is made once when it is made twice at once', async () => {
      const answers = await Promise.all([create({ slug: 'twice' }), create({ slug: 'twice' })])
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409])
    })

    test.each([
      ['no slug', {}],
      ['an upper-case slug', { slug: 'Demo' }],
      ['a slug with a slash', { slug: 'a/b' }],
      ['a slug of 64 characters', { slug: 'a'.repeat(64) }],
      ['a slug that looks like an id', { slug: '01890000-0000-7000-8000-000000000000' }],
      ['an unknown platform', { slug: 'bad', platforms: ['symbian'] }],
      ['no platforms', { slug: 'bad', platforms: [] }],
      ['a platform twice', { slug: 'bad', platforms: ['ios', 'ios'] }],
      ['an unknown field', { slug: 'bad', colour: 'red' }],
      ['a number for a name', { slug: 'bad', name: 7 }],
      ['an endless name', { slug: 'bad', name: 'x'.repeat(101) }],
      ['the original buckets of hashed ids', { slug: 'bad', bucketing: 'original', deviceIds: 'hashed' }],
      ['ids in clear', { slug: 'bad', deviceIds: 'clear' }],
      ['events that are never kept', { slug: 'bad', eventRetentionDays: 0 }],
      ['devices for ever', { slug: 'bad', deviceRetentionDays: 3651 }],
      ['archived releases for no time', { slug: 'bad', archivedRetentionDays: 0 }],
      ['half a day', { slug: 'bad', eventRetentionDays: 1.5 }],
    ])('is not made with %s', async (_case, body) => {
      expect(problemOf(await create(body))).toBe('400 invalid-request')
    })

    test('is changed field by field', async () => {
      const app = await server.createTestApp()
      const { body } = await change(app, { name: 'Demo', bucketing: 'original' })
      expect(body).toEqual({ ...app, name: 'Demo', bucketing: 'original' })
      expect((await show(app)).body).toEqual(body)
    })

    test('says how long it keeps events and devices, and the change is in the log', async () => {
      const app = await server.createTestApp({ eventRetentionDays: 30 })
      expect(app).toMatchObject({ eventRetentionDays: 30, deviceRetentionDays: 400 })
      const { body } = await change(app, { eventRetentionDays: 7, deviceRetentionDays: 60 })
      expect(body).toMatchObject({ eventRetentionDays: 7, deviceRetentionDays: 60 })
      const { body: audit } = await server.request('GET', `/manage/v1/audit?subjectId=${app.id}`)
      expect(audit.items[0]).toMatchObject({ before: { eventRetentionDays: 30 }, after: { eventRetentionDays: 7 } })
    })

    test('with the original buckets takes device ids as they are given', async () => {
      const { body } = await create({ slug: 'as-before', bucketing: 'original' })
      expect(body).toMatchObject({ deviceIds: 'as-given' })
      expect(problemOf(await change(body, { deviceIds: 'hashed' }))).toBe('400 invalid-request')
      const hashed = await server.createTestApp({ deviceIds: 'hashed' })
      expect(problemOf(await change(hashed, { bucketing: 'original' }))).toBe('400 invalid-request')
      expect((await change(hashed, { bucketing: 'original', deviceIds: 'as-given' })).status).toBe(200)
    })

    test('changes how it knows devices only before it knows one, also those that rollouts name', async () => {
      const app = await server.createTestApp({ deviceIds: 'as-given' })
      const { rolloutId } = await server.published(app, { bundle, version: '1.0.0', percentage: 0 })
      await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { devices: ['device-1'] } })
      expect((await change(app, { deviceIds: 'hashed' })).body).toMatchObject({ deviceIds: 'hashed' })
      expect((await server.check(app)).body).toMatchObject({ updateAvailable: true })
      expect((await server.check(app, { deviceId: 'device-2' })).body).toMatchObject({ updateAvailable: false })
      expect(problemOf(await change(app, { deviceIds: 'as-given' }))).toBe('409 app-has-devices')
      expect((await change(app, { deviceIds: 'hashed', name: 'the same' })).status).toBe(200)
    })

    test('keeps both of two changes at once', async () => {
      const app = await server.createTestApp()
      await Promise.all([change(app, { name: 'Demo' }), change(app, { signing: 'required' })])
      expect((await show(app)).body).toMatchObject({ name: 'Demo', signing: 'required' })
    })

    test.each([
      ['nothing', {}],
      ['an unknown field', { slug: 'other' }],
      ['an unknown value', { checkAccess: 'nobody' }],
    ])('is not changed by %s', async (_case, body) => {
      expect(problemOf(await change(await server.createTestApp(), body))).toBe('400 invalid-request')
    })

    test('that is opened answers without a key from that moment on', async () => {
      const app = await server.createTestApp()
      const check = () => server.check({ ...app, appKey: '' })
      expect(problemOf(await check())).toBe('401 app-key-required')
      await change(app, { checkAccess: 'open' })
      expect((await check()).status).toBe(200)
      await change(app, { checkAccess: 'app-key' })
      expect(problemOf(await check())).toBe('401 app-key-required')
    })

    test('gives a platform that it gets later what was published for any', async () => {
      const app = await server.createTestApp({ platforms: ['android'] })
      await server.published(app, { platform: 'any', bundle })
      expect(problemOf(await server.check(app, { platform: 'ios' }))).toBe('404 platform-not-found')
      await change(app, { platforms: ['android', 'ios'] })
      expect((await server.check(app, { platform: 'ios' })).body).toMatchObject({ updateAvailable: true })
    })

    test('takes no text that a database cannot store', async () => {
      const { status } = await create({ slug: 'nul', name: 'a\0b' })
      expect(status).toBeLessThan(500)
      expect((await server.request('GET', '/manage/v1/apps/%00')).status).toBeLessThan(500)
    })
  })

  describe('a channel', () => {
    const createChannel = (app: App, name: unknown) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/channels`, { body: { name } })

    test('can be checked as soon as it is made', async () => {
      const app = await server.createTestApp()
      expect(problemOf(await server.check(app, { channel: 'nightly' }))).toBe('404 channel-not-found')
      expect((await createChannel(app, 'nightly')).status).toBe(201)
      expect((await server.check(app, { channel: 'nightly' })).body).toEqual({
        updateAvailable: false,
        reason: 'nothing-published',
      })
    })

    test('is there once', async () => {
      expect(problemOf(await createChannel(await server.createTestApp(), 'beta'))).toBe('409 channel-exists')
    })

    test.each([
      ['upper case', 'Beta'],
      ['a space', 'my beta'],
      ['a slash', 'a/b'],
      ['nothing', ''],
      ['64 characters', 'a'.repeat(64)],
      ['no text', 7],
    ])('is not named with %s', async (_case, name) => {
      expect(problemOf(await createChannel(await server.createTestApp(), name))).toBe('400 invalid-request')
    })
  })

  describe('a signing key', () => {
    const addKey = (app: App, publicKey: string, name?: string) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body: { publicKey, name } })
    const listKeys = async (app: App) => (await server.request('GET', `/manage/v1/apps/${app.slug}/keys`)).body.items
    const revokeKey = (app: App, id: string) => server.request('POST', `/manage/v1/apps/${app.slug}/keys/${id}/revoke`)
    const publish = (app: App, key: ReturnType<typeof newSigningKey> | undefined, version: string, sequence: number) =>
      server.publish(app, {
        version,
        bundle,
        ...(key && {
          signatures: signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle }),
        }),
      })

    test('is registered, and makes signatures required', async () => {
      const app = await server.createTestApp()
      const { publicKey } = newSigningKey()
      const { status, body } = await addKey(app, publicKey, 'laptop')
      expect(status).toBe(201)
      expect(body).toMatchObject({ publicKey, name: 'laptop', createdBy: 'owner', revokedAt: null })
      expect(await listKeys(app)).toEqual([body])
      expect((await show(app)).body.signing).toBe('required')
    })

    test('is registered once, also after it was revoked', async () => {
      const app = await server.createTestApp()
      const { publicKey } = newSigningKey()
      const { body } = await addKey(app, publicKey)
      expect(problemOf(await addKey(app, publicKey))).toBe('409 key-exists')
      await revokeKey(app, body.id)
      expect(problemOf(await addKey(app, publicKey))).toBe('409 key-exists')
    })

    test('has one spelling: a revoked one cannot come back under another', async () => {
      const app = await server.createTestApp()
      const { publicKey } = newSigningKey()
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
      const last = alphabet.indexOf(publicKey.at(42) ?? '')
      const other = `${publicKey.slice(0, 42)}${alphabet[last + 1]}=`
      expect(Buffer.from(other, 'base64')).toEqual(Buffer.from(publicKey, 'base64'))
      expect(problemOf(await addKey(app, other))).toBe('400 invalid-request')
    })

    test.each([
      ['31 bytes', Buffer.alloc(31).toString('base64')],
      ['PEM', '-----BEGIN PUBLIC KEY-----'],
      ['nothing', ''],
    ])('is not registered from %s', async (_case, publicKey) => {
      expect(problemOf(await addKey(await server.createTestApp(), publicKey))).toBe('400 invalid-request')
    })

    test('is revoked once, and known to be', async () => {
      const app = await server.createTestApp()
      const { body } = await addKey(app, newSigningKey().publicKey)
      const revoked = await revokeKey(app, body.id)
      expect(revoked.body.revokedAt).toBe('2027-01-01T00:00:00.000Z')
      expect((await revokeKey(app, body.id)).body).toEqual(revoked.body)
      expect(problemOf(await revokeKey(app, 'nothing'))).toBe('404 key-not-found')
    })

    test('of another app is not there', async () => {
      const [app, other] = [await server.createTestApp(), await server.createTestApp()]
      const { body } = await addKey(other, newSigningKey().publicKey)
      expect(problemOf(await revokeKey(app, body.id))).toBe('404 key-not-found')
    })

    test("comes with the app's first signed release", async () => {
      const app = await server.createTestApp()
      const key = newSigningKey()
      const { status, body } = await publish(app, key, '1.0.0', 1)
      expect(status).toBe(201)
      expect(body.keyRegistered).toBe(true)
      expect(await listKeys(app)).toMatchObject([{ publicKey: key.publicKey, revokedAt: null }])
      expect((await show(app)).body.signing).toBe('required')
      const { body: audit } = await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=key.registered`)
      expect(audit.items).toMatchObject([{ actorName: 'owner', after: { publicKey: key.publicKey } }])
    })

    test('that is registered is needed from then on', async () => {
      const app = await server.createTestApp()
      const key = newSigningKey()
      await publish(app, key, '1.0.0', 1)
      expect(problemOf(await publish(app, undefined, '1.1.0', 2))).toBe('422 signature-required')
      expect(problemOf(await publish(app, newSigningKey(), '1.1.0', 2))).toBe('422 signature-invalid')
      const next = await publish(app, key, '1.1.0', 2)
      expect(next.status).toBe(201)
      expect(next.body.keyRegistered).toBe(false)
    })

    test('that was revoked signs nothing any more, and no new one comes by itself', async () => {
      const app = await server.createTestApp()
      const key = newSigningKey()
      await publish(app, key, '1.0.0', 1)
      const [{ id }] = await listKeys(app)
      await revokeKey(app, id)
      expect(problemOf(await publish(app, key, '1.1.0', 2))).toBe('422 signature-invalid')
      expect(problemOf(await publish(app, newSigningKey(), '1.1.0', 2))).toBe('422 signature-invalid')
      expect(problemOf(await publish(app, undefined, '1.1.0', 2))).toBe('422 signature-required')
    })

    test('of an app that requires signatures comes with the first one too', async () => {
      const app = await server.createTestApp({ signing: 'required' })
      expect(problemOf(await publish(app, undefined, '1.0.0', 1))).toBe('422 signature-required')
      expect((await publish(app, newSigningKey(), '1.0.0', 1)).status).toBe(201)
    })

    test('is one of two that come first at once', async () => {
      const app = await server.createTestApp()
      const [mine, other] = [newSigningKey(), newSigningKey()]
      const sign = (key: typeof mine, platform: 'android' | 'ios') => {
        const version = '1.0.0'
        const signatures = signRelease(key, { appId: app.id, platform, version, sequence: 1, bundle })
        return server.publish(app, { platform, version, bundle, signatures })
      }
      const answers = await Promise.all([sign(mine, 'android'), sign(other, 'ios')])
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 422])
      expect(await listKeys(app)).toHaveLength(1)
    })

    test('may sign the first releases of two platforms at once', async () => {
      const app = await server.createTestApp()
      const key = newSigningKey()
      const sign = (platform: 'android' | 'ios') => {
        const signatures = signRelease(key, { appId: app.id, platform, version: '1.0.0', sequence: 1, bundle })
        return server.publish(app, { platform, version: '1.0.0', bundle, signatures })
      }
      const answers = await Promise.all([sign('android'), sign('ios')])
      expect(answers.map(({ status }) => status)).toEqual([201, 201])
      expect(await listKeys(app)).toHaveLength(1)
    })
  })
})
