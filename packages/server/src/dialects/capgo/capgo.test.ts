import type { App } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, fixedClock, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sumRolloutHours } from '../../fleet/progress/rollout-progress.ts'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase("Capgo's plugin", (openDatabase) => {
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
    platform: 'android',
    device_id: '0b0c0d0e-0000-4000-8000-000000000001',
    app_id: 'com.example.app',
    custom_id: 'jane@example.com',
    version_build: '1.0.0',
    version_code: '7',
    version_os: '15',
    version_name: '1.0.0',
    plugin_version: '8.51.23',
    is_emulator: false,
    is_prod: true,
    install_source: 'google_play',
    defaultChannel: '',
  }
  const ask = (method: string, path: string, body: unknown, headers = {}) =>
    server.request(method, path, { token: null, headers, body })
  const check = async (fields: object = {}, path = `/apps/${app.slug}/capgo/updates`) =>
    (await ask('POST', path, { ...told, ...fields })).body
  const send = (body: unknown) => ask('POST', `/apps/${app.slug}/capgo/stats`, body)
  const event = (action: string, fields: object = {}) => ({
    ...told,
    action,
    old_version_name: '',
    timestamp: clock.now() - 60_000,
    ...fields,
  })
  const figuresOf = async (rolloutId: string) => (await sumRolloutHours(db, [rolloutId])).get(rolloutId)
  const device = async (id = told.device_id) =>
    (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${id}`)).body

  describe('a check', () => {
    test('brings what is published, and tells the server what there is to know', async () => {
      const release = await publish('1.1.0', { notes: 'Faster' })
      expect(await check()).toEqual({
        version: '1.1.0',
        url: `${release.content.downloadUrl}?release=${release.releaseId}`,
        checksum: release.content.sha256,
        session_key: '',
        comment: 'Faster',
      })
      expect(await device()).toMatchObject({
        dialect: 'capgo',
        platform: 'android',
        channel: 'production',
        nativeVersion: '1.0.0',
        currentReleaseId: null,
        attributes: {
          osVersion: '15',
          nativeBuild: '7',
          sdkVersion: '8.51.23',
          isEmulator: 'false',
          isProduction: 'true',
          installSource: 'google_play',
        },
      })
      expect(JSON.stringify(await device())).not.toContain('jane')
    })

    test('knows what the device runs by its version, and takes it back only when a rollout says so', async () => {
      const first = await publish('1.1.0')
      const none = { kind: 'up_to_date', error: 'no_new_version_available', message: expect.any(String) }
      expect(await check({ version_name: '1.1.0' })).toEqual(none)
      // Of another channel, or from before: it stays until something newer comes.
      await publish('1.2.0')
      expect(await check({ version_name: '1.1.0' })).toMatchObject({ version: '1.2.0' })
      const back = (to: unknown) =>
        server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
          body: { platform: 'any', channel: 'production', to },
        })
      await back({ releaseId: first.releaseId })
      expect(await check({ version_name: '1.2.0' })).toMatchObject({ version: '1.1.0' })
      await back('embedded')
      expect(await check({ version_name: '1.2.0' })).toEqual({ version: 'builtin' })
      expect(await check()).toMatchObject({ kind: 'up_to_date', error: 'already_on_builtin' })
      expect(await check({ version_name: 'builtin' })).toMatchObject({ error: 'already_on_builtin' })
      expect(await check({ version_name: '1.2.0', plugin_version: '6.1.9' })).toMatchObject({
        kind: 'failed',
        error: 'revert_to_builtin_plugin_version_too_old',
      })
    })

    test('is blocked for what the binary cannot run, and says what is needed', async () => {
      await publish('1.1.0', { minNativeVersion: '2.0' })
      expect(await check()).toEqual({
        error: 'disable_auto_update_to_metadata',
        kind: 'blocked',
        message: 'store_update_required',
        version: '2.0',
      })
      expect(await check({ version_build: '2.0', version_name: '2.0' })).toMatchObject({ version: '1.1.0' })
      await publish('1.2.0', { nativeRange: '<1.0', minNativeVersion: undefined })
      app = await server.createTestApp({ checkAccess: 'open' })
      await publish('1.1.0', { nativeRange: '<1.0' })
      expect(await check()).toMatchObject({ kind: 'blocked', error: 'disable_auto_update_under_native' })
    })

    test('of what is not here is told in the words of the plugin', async () => {
      await publish('1.1.0')
      const cases: [object, object][] = [
        [{ defaultChannel: 'nowhere' }, { kind: 'failed', error: 'no_channel' }],
        [{ platform: 'electron' }, { kind: 'blocked', error: 'disabled_platform_electron' }],
        [{ plugin_version: '4.9.9' }, { kind: 'failed', error: 'unsupported_plugin_version' }],
        [{ key_id: 'MIIBCgKCAQEA12345678' }, { kind: 'blocked', error: 'key_id_mismatch' }],
        [{ device_id: undefined }, { kind: 'failed', error: 'missing_device_id' }],
        [{ platform: 'amiga' }, { kind: 'failed', error: 'invalid_platform' }],
      ]
      for (const [fields, expected] of cases) expect(await check(fields)).toMatchObject(expected)
      app = await server.createTestApp({ checkAccess: 'open', platforms: ['ios'] })
      expect(await check()).toMatchObject({ kind: 'blocked', error: 'disabled_platform_android' })
    })

    test('that ends in no offer counts as none', async () => {
      const { rolloutId } = await publish('1.1.0')
      await check({ key_id: 'MIIBCgKCAQEA12345678' })
      await check({ plugin_version: '4.0.0' })
      await device()
      expect(await figuresOf(rolloutId)).toMatchObject({ offered: 0, running: 0 })
      await check()
      await device()
      expect(await figuresOf(rolloutId)).toMatchObject({ offered: 1 })
    })

    test('finds its app by what the binary is called, or by a key in the address', async () => {
      const name = `com.example.${app.slug}`
      await publish('1.1.0')
      await publish('1.2.0', { channel: 'beta' })
      const atRoot = (fields: object, query = '') => check(fields, `/capgo/updates${query}`)
      expect(await atRoot({ app_id: name })).toMatchObject({ error: 'app_key_required', kind: 'failed' })
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { bundleIds: [name] } })
      expect(await atRoot({ app_id: name })).toMatchObject({ version: '1.1.0' })
      // An app that says what its binaries are called is no other binary's.
      expect(await check()).toMatchObject({ error: 'app_key_required' })
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { checkAccess: 'app-key' } })
      expect(await atRoot({ app_id: name })).toMatchObject({ error: 'app_key_required' })
      expect(await atRoot({ app_id: name }, `?key=${app.appKey}`)).toMatchObject({ version: '1.1.0' })
      expect(await atRoot({}, `?key=${app.appKey}`)).toMatchObject({ error: 'app_key_invalid' })
      const { body } = await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, {
        body: { channel: 'beta' },
      })
      expect(await atRoot({ app_id: name }, `?key=${body.key}`)).toMatchObject({ version: '1.2.0' })
    })
  })

  describe('statistics', () => {
    test('say how far a device came, once however often they are sent', async () => {
      const { rolloutId, releaseId } = await publish('1.1.0')
      await check()
      const of = { version_name: '1.1.0' }
      const batch = [
        event('download_zip_start', of),
        event('download_10', of),
        event('download_complete', of),
        event('set', { ...of, old_version_name: '1.0.0' }),
        event('app_launch_ready', of),
        event('app_moved_to_foreground', of),
        event('something_from_next_year', of),
        event('set', { version_name: '7.7.7' }),
      ]
      const results = batch.map((_event, index) => ({ status: 'ok', index }))
      const expected = { ...results[7], status: 'error', error: 'version_not_found' }
      for (let times = 0; times < 2; times++) {
        expect((await send(batch)).body).toEqual({ status: 'ok', results: [...results.slice(0, 7), expected] })
      }
      expect((await send({ ...event('download_complete', of), timestamp: undefined })).body).toEqual({ status: 'ok' })
      const counts = { download_started: 1, downloaded: 1, applied: 1, confirmed: 1, attempted: 1, attempted_bad: 0 }
      expect(await figuresOf(rolloutId)).toMatchObject(counts)
      const { currentReleaseId, events } = await device()
      expect(currentReleaseId).toBe(releaseId)
      expect(events.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
        'applied',
        'confirmed',
        'download-started',
        'downloaded',
        'downloaded',
        'offered',
      ])
    })

    test('of a boot that failed count against the release, which is not offered to that device again', async () => {
      const first = await publish('1.1.0')
      const second = await publish('1.2.0')
      expect(await check()).toMatchObject({ version: '1.2.0' })
      await send([event('set', { version_name: '1.2.0' }), event('update_fail', { version_name: '1.2.0' })])
      expect(await figuresOf(second.rolloutId)).toMatchObject({ rolled_back: 1, attempted: 1, attempted_bad: 1 })
      expect(await check()).toMatchObject({ version: '1.1.0' })
      expect(await check({ device_id: '0b0c0d0e-0000-4000-8000-000000000002' })).toMatchObject({ version: '1.2.0' })
      expect(await figuresOf(first.rolloutId)).toMatchObject({ attempted_bad: 0 })
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${told.device_id}/explain`)
      expect(body.decision).toMatchObject({ kind: 'update', version: '1.1.0' })
      expect(body.rollouts[0].verdicts).toContainEqual(expect.objectContaining({ reason: 'failed-on-this-device' }))
    })

    test('of a crash count, and take the release from nobody', async () => {
      const { rolloutId } = await publish('1.1.0')
      await check({ version_name: '1.1.0' })
      const metadata = { exit_reason: 'crash_native', exit_timestamp: String(clock.now() - 90_000) }
      const crash = event('app_crash_native', { version_name: '1.1.0', metadata })
      await send([crash, { ...crash, timestamp: clock.now() }])
      expect(await figuresOf(rolloutId)).toMatchObject({ crashed: 1, attempted_bad: 1 })
      expect(await check({ version_name: '1.1.0' })).toMatchObject({ error: 'no_new_version_available' })
      const { events } = await device()
      expect(events).toMatchObject([{ kind: 'crashed', code: 'crashed-in-use' }])
    })

    test('that name the version which runs, although another one failed, speak against none', async () => {
      const first = await publish('1.1.0')
      await check({ version_name: '1.1.0' })
      const of = { version_name: '1.1.0' }
      await send([event('checksum_fail', of), event('unzip_fail', of), event('download_fail', of)])
      expect(await figuresOf(first.rolloutId)).toMatchObject({ failed: 0, download_failed: 0, attempted_bad: 0 })
      const { events } = await device()
      expect(events.map(({ kind, code }: { kind: string; code: string }) => `${kind} ${code}`).sort()).toEqual([
        'download-failed download-failed',
        'failed archive-invalid',
        'failed hash-mismatch',
      ])
    })

    test('name the version of a file of it, and of what the binary shipped with nothing is kept', async () => {
      const { rolloutId } = await publish('1.1.0')
      await check()
      const file = 'download_manifest_file_fail'
      const batch = [event(file, { version_name: '1.1.0:assets/a b.js' }), event('set'), event('app_crash')]
      expect((await send(batch)).body.results.map(({ status }: { status: string }) => status)).toEqual([
        'ok',
        'ok',
        'ok',
      ])
      expect(await figuresOf(rolloutId)).toMatchObject({ download_failed: 1, applied: 0, crashed: 0 })
    })

    test('of a release from a channel that the device has left count for it', async () => {
      const { rolloutId } = await publish('1.1.0')
      await check()
      await publish('1.2.0', { channel: 'beta' })
      await send(event('app_launch_ready', { version_name: '1.1.0', defaultChannel: 'beta' }))
      expect(await figuresOf(rolloutId)).toMatchObject({ confirmed: 1 })
    })

    test('that cannot be read lose nothing else', async () => {
      const { rolloutId } = await publish('1.1.0')
      const batch = [
        event('set', { version_name: '1.1.0' }),
        { ...event('set'), action: 7 },
        'nothing',
        event('set', { device_id: 'another' }),
        event('set', { version_name: '1.1.0', defaultChannel: 'nowhere' }),
      ]
      const errors = (await send(batch)).body.results.map(({ error }: { error?: string }) => error)
      expect(errors).toEqual([undefined, 'invalid_request', 'invalid_request', 'invalid_request', 'channel_not_found'])
      expect(await figuresOf(rolloutId)).toMatchObject({ applied: 1 })
      const others = [event('set'), { ...event('set'), app_id: 'com.example.other' }]
      expect(await send(others)).toMatchObject({ status: 400, body: { error: 'mixed_app_ids' } })
      expect(await send([])).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
      expect(await send(Array.from({ length: 1001 }, () => event('set')))).toMatchObject({ status: 400 })
      expect(await send(event('set', { version_name: '7' }))).toMatchObject({ body: { error: 'version_not_found' } })
    })
  })

  describe('a channel', () => {
    const path = () => `/apps/${app.slug}/capgo/channel_self`
    const open = (name: string) =>
      server.request('PATCH', `/manage/v1/apps/${app.slug}/channels/${name}`, { body: { deviceChoice: 'open' } })
    const choose = (channel: unknown, fields: object = {}) => ask('POST', path(), { ...told, channel, ...fields })
    const list = async (query = '') => (await ask('GET', `${path()}${query}`, undefined)).body

    test('is chosen by a device only when it was opened for that', async () => {
      expect(await list()).toEqual([])
      const refused = { status: 400, body: { error: 'channel_self_set_not_allowed', message: expect.any(String) } }
      expect(await choose('beta')).toMatchObject(refused)
      expect(await choose('production')).toMatchObject(refused)
      await open('beta')
      expect(await list()).toEqual([{ id: 3, name: 'beta', public: false, allow_self_set: true }])
      expect(await choose('beta')).toMatchObject({ status: 200, body: { status: 'ok', allowSet: true } })
      expect(await choose('nowhere')).toMatchObject({ status: 400, body: { error: 'channel_not_found' } })
      expect(await choose(undefined)).toMatchObject({ status: 400, body: { error: 'missing_channel' } })
      expect(await choose('beta', { platform: 'electron' })).toMatchObject({ body: { error: 'invalid_platform' } })
      expect(await choose('beta', { plugin_version: '6.33.9' })).toMatchObject({
        body: { error: 'channel_self_server_storage_unavailable' },
      })
    })

    test('is the one that the device says, or else that of its key', async () => {
      const shown = async (fields: object, query = '') =>
        (await ask('PUT', `${path()}${query}`, { ...told, ...fields })).body
      expect(await shown({})).toEqual({ channel: 'production', status: 'default', allowSet: false })
      await open('beta')
      expect(await shown({ defaultChannel: 'beta' })).toEqual({ channel: 'beta', status: 'default', allowSet: true })
      expect(await shown({ defaultChannel: 'nowhere' })).toMatchObject({ error: 'channel_not_found' })
      const { body } = await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, {
        body: { channel: 'staging' },
      })
      const withKey = `?key=${body.key}`
      expect(await shown({ defaultChannel: 'beta' }, withKey)).toEqual({
        channel: 'staging',
        status: 'override',
        allowSet: false,
      })
      const refused = await ask('POST', `${path()}${withKey}`, { ...told, channel: 'beta' })
      expect(refused).toMatchObject({ status: 400, body: { error: 'cannot_override' } })
      expect(await list(withKey)).toEqual([])
    })

    test('is kept by the device: there is nothing to forget here', async () => {
      expect(await ask('DELETE', path(), undefined)).toMatchObject({ status: 200, body: { status: 'ok' } })
      // As older plugins do it.
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { bundleIds: [`com.example.${app.slug}`] } })
      const own = { ...told, app_id: `com.example.${app.slug}` }
      expect(await ask('DELETE', '/capgo/channel_self', own)).toMatchObject({ status: 200, body: { status: 'ok' } })
      const json = { 'content-type': 'application/json' }
      const query = `?app_id=com.example.${app.slug}`
      expect(await ask('DELETE', `/capgo/channel_self${query}`, undefined, json)).toMatchObject({ status: 200 })
      expect(await ask('DELETE', '/capgo/channel_self', told)).toMatchObject({ status: 401 })
    })
  })

  test('is told when to come back, in the header and in the body', async () => {
    const limited = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '1' } })
    const open = await limited.createTestApp({ checkAccess: 'open' })
    const check = () => limited.request('POST', `/apps/${open.slug}/capgo/updates`, { token: null, body: told })
    expect((await check()).status).toBe(200)
    expect(await check()).toMatchObject({
      status: 429,
      headers: { 'retry-after': '60' },
      body: { error: 'too_many_requests', kind: 'failed', moreInfo: { retryAfterSeconds: 60 } },
    })
    await limited.close()
  })
})
