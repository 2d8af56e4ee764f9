import type { App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  startTestServer,
  type TestServer,
  zipOf,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sumRolloutHours } from '../../fleet/progress/rollout-progress.ts'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase("Capawesome's plugin", (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock, env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open' })
  })

  const publish = async (version: string, changes: object = {}) =>
    server.published(app, { bundle: await bundleOf(version), platform: 'any', version, ...changes })
  const told = {
    appVersionCode: '7',
    appVersionName: '1.0.0',
    bundleId: '',
    channelName: '',
    customId: 'jane@example.com',
    deviceId: '0b0c0d0e-0000-4000-8000-000000000001',
    osVersion: '35',
    platform: '0',
    pluginVersion: '8.4.3',
  }
  const ask = (path: string, headers = {}) => server.request('GET', path, { token: null, headers })
  const check = (fields: Partial<typeof told> = {}, name = app.slug) =>
    ask(`/v1/apps/${name}/bundles/latest?${new URLSearchParams({ ...told, ...fields })}`)
  const device = async (id = told.deviceId) =>
    (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${id}`)).body
  const back = (to: unknown) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
      body: { platform: 'any', channel: 'production', to },
    })
  const figuresOf = async (rolloutId: string) => (await sumRolloutHours(db, [rolloutId])).get(rolloutId)

  describe('a check', () => {
    test('brings what is published, and tells the server what there is to know', async () => {
      const release = await publish('1.1.0', { notes: 'Faster', mandatory: true })
      const { status, body } = await check()
      expect(status).toBe(200)
      expect(body).toEqual({
        artifactType: 'zip',
        bundleId: release.releaseId,
        channelName: 'production',
        checksum: release.content.sha256,
        customProperties: { version: '1.1.0', mandatory: 'true', notes: 'Faster' },
        url: `${release.content.downloadUrl}?release=${release.releaseId}`,
      })
      expect(await device()).toMatchObject({
        dialect: 'capawesome',
        platform: 'android',
        channel: 'production',
        nativeVersion: '1.0.0',
        currentReleaseId: null,
        attributes: { osVersion: '15', nativeBuild: '7', sdkVersion: '8.4.3' },
      })
      expect(JSON.stringify(await device())).not.toContain('jane')
    })

    test('says by the status alone that there is nothing, or nothing else', async () => {
      const { releaseId } = await publish('1.1.0')
      expect(await check({ bundleId: releaseId })).toMatchObject({ status: 404, body: { code: 'runs-the-target' } })
      expect(await device()).toMatchObject({ currentReleaseId: releaseId, currentVersion: '1.1.0' })
      expect(await check({ channelName: 'beta' })).toMatchObject({ status: 404, body: { code: 'nothing-published' } })
      expect(await check({ channelName: 'nowhere' })).toMatchObject({
        status: 404,
        body: { code: 'channel-not-found' },
      })
      expect(await check({ platform: '2' })).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
    })

    test('takes a device back to a release, and cannot take it back to its binary', async () => {
      const first = await publish('1.1.0')
      const second = await publish('1.2.0')
      const running = { bundleId: second.releaseId }
      await back({ releaseId: first.releaseId })
      expect((await check(running)).body).toMatchObject({ bundleId: first.releaseId })
      const { body } = await back('embedded')
      expect(await check(running)).toMatchObject({ status: 404, body: { code: 'embedded-not-taken' } })
      // What lies below is what the roll-back leads back from: nobody is offered that instead.
      expect(await check({ bundleId: first.releaseId })).toMatchObject({
        status: 404,
        body: { code: 'embedded-not-taken' },
      })
      await server.tick()
      expect((await figuresOf(body.id))?.offered ?? 0).toBe(0)
    })

    test('brings nothing that the binary or the system cannot run', async () => {
      await publish('1.1.0', { minNativeVersion: '2.0' })
      expect(await check()).toMatchObject({ status: 404, body: { code: 'native-update-required' } })
      expect((await check({ appVersionName: '2.0' })).status).toBe(200)
      app = await server.createTestApp({ checkAccess: 'open' })
      await publish('1.1.0', { minOsVersion: '14' })
      expect((await check({ osVersion: '33' })).status).toBe(404)
      expect((await check({ osVersion: '34' })).status).toBe(200)
      expect((await check({ osVersion: '17.5', platform: '1' })).status).toBe(200)
    })

    test('names its app by whatever the app is called, or by a key', async () => {
      const cloudId = '6e351b4f-69a7-415e-a057-4567df7ffe94'
      const addKey = (body: object) => server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, { body })
      await publish('1.1.0')
      await publish('1.2.0', { channel: 'beta' })
      const bundleId = `com.example.${app.slug}`
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { bundleIds: [bundleId] } })
      const versionBy = async (name: string, fields = {}) => {
        const { status, body } = await check(fields, name)
        return status === 200 ? body.customProperties.version : body.code
      }
      for (const name of [app.slug, app.id, bundleId, app.appKey]) expect(await versionBy(name)).toBe('1.1.0')
      const { key } = (await addKey({ channel: 'beta' })).body
      await addKey({ channel: 'beta', key: cloudId })
      for (const name of [key, cloudId]) expect(await versionBy(name, { channelName: 'staging' })).toBe('1.2.0')
      expect(await versionBy('nobody')).toBe('app-key-required')

      // What names an app in addresses is nobody's key.
      const other = await server.createTestApp({ slug: 'a-slug-that-is-long', checkAccess: 'open' })
      await addKey({ channel: 'beta', key: other.slug })
      expect(await versionBy(other.slug)).toBe('nothing-published')

      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { checkAccess: 'app-key' } })
      for (const name of [app.slug, app.id, bundleId]) expect(await versionBy(name)).toBe('app-key-required')
      for (const name of [key, cloudId]) expect(await versionBy(name)).toBe('1.2.0')
      // One address for one app.
      const { body } = await ask(`/apps/${other.slug}/v1/apps/${app.appKey}/bundles/latest?platform=0`)
      expect(body.code).toBe('app-key-invalid')
      const crossed = await ask(`/apps/${other.slug}/v1/apps/demo/bundles/latest?platform=0`)
      expect(crossed.body.code).toBe('app-key-required')
    })
  })

  describe('channels', () => {
    const list = async (query = '', name = app.slug) => ask(`/v1/apps/${name}/channels${query}`)
    const open = (name: string) =>
      server.request('PATCH', `/manage/v1/apps/${app.slug}/channels/${name}`, { body: { deviceChoice: 'open' } })

    test('are listed once one is open, in parts and by a part of the name', async () => {
      expect((await list()).status).toBe(401)
      for (const name of ['production', 'beta']) await open(name)
      expect((await list()).body).toEqual([
        { id: 'production', name: 'production' },
        { id: 'beta', name: 'beta' },
      ])
      expect((await list('?limit=1&offset=1')).body).toEqual([{ id: 'beta', name: 'beta' }])
      expect((await list('?query=PROD')).body).toEqual([{ id: 'production', name: 'production' }])
      expect((await list('?limit=0')).body).toEqual([])
      expect(await list('?limit=-1')).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
      const { body } = await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, {
        body: { channel: 'beta' },
      })
      // A key decides about the channel: there is none to choose.
      expect((await list('', body.key)).status).toBe(401)
    })
  })

  test('an app says itself what its plugin only tells the app', async () => {
    const release = await publish('1.1.0')
    const deviceId = told.deviceId
    await check()
    clock.advance(3_600_000)
    await check({ bundleId: release.releaseId })
    const event = { id: '1', kind: 'rolled-back', releaseId: release.releaseId, code: 'not-confirmed' }
    const sent = await server.request('POST', `/apps/${app.slug}/events`, {
      token: null,
      body: { deviceId, platform: 'android', events: [event] },
    })
    expect(sent.status).toBe(200)
    expect((await check()).body.code).toBe('failed-on-this-device')
  })

  test('a release with index.html is offered file by file', async () => {
    const bundle = await zipOf({ 'index.html': '<p>1</p>' })
    const { releaseId } = await publish('1.1.0', { bundle })
    const { body } = await check({ platform: '1', osVersion: '18.1' })
    expect(body).toEqual({
      artifactType: 'manifest',
      bundleId: releaseId,
      channelName: 'production',
      customProperties: { version: '1.1.0', mandatory: 'false' },
      url: `http://localhost:80/v1/apps/${app.slug}/channels/production/ios/bundles/${releaseId}`,
    })
  })
})
