import type { App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  problemOf,
  publishForm,
  sha256Of,
  startTestServer,
  type RequestOptions,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

const UNKNOWN = '01890000-0000-7000-8000-000000000000'

describeOnEveryDatabase('the React Native contract', (openDatabase) => {
  let server: TestServer
  let app: App
  let one: Buffer
  let two: Buffer

  beforeAll(async () => {
    server = await startTestServer({
      database: await openDatabase(),
      env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' },
    })
    one = await bundleOf('one')
    two = await bundleOf('two')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  /** As an installed app sends it. */
  const device = (method: string, path: string, options: RequestOptions = {}) =>
    server.request(method, path, { token: null, headers: { 'x-app-key': app.appKey }, ...options })
  const showDevice = async (id: string) =>
    (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${encodeURIComponent(id)}`)).body
  const register = (fields: Record<string, unknown>) =>
    device('POST', '/devices', { body: { appId: app.id, deviceId: 'device-1', platform: 'android', ...fields } })

  describe('a check', () => {
    const fields = { deviceId: 'device-1', version: '0.9.0', platform: 'android' }

    test('is answered with what was published', async () => {
      const release = await server.published(app, { bundle: one })
      const { status, headers, body } = await server.check(app)
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
      })
      expect(body).toEqual({
        updateAvailable: true,
        bundleUrl: `${release.content.downloadUrl}?release=${release.releaseId}`,
        hash: release.content.sha256,
        signature: null,
        mandatory: false,
        version: '1.0.0',
        releaseId: release.releaseId,
        sizeBytes: one.length,
        direction: 'forward',
        reason: 'percentage',
        notes: '',
        statement: null,
        statementSignature: null,
      })
    })

    test('may be asked by query, by a body with GET, and by POST, at the root and for the app', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      const query = new URLSearchParams({ appId: app.id, ...fields }).toString()
      const json = JSON.stringify({ appId: app.id, ...fields })
      const type = { 'x-app-key': app.appKey, 'content-type': 'application/json' }
      for (const mount of ['', `/apps/${app.slug}`, `/apps/${app.id}`]) {
        const path = `${mount}/update/check`
        const answers = await Promise.all([
          device('GET', `${path}?${query}`),
          device('GET', path, { body: json, headers: type }),
          device('GET', `${path}?deviceId=device-1`, { body: json, headers: type }),
          device('POST', path, { body: json, headers: type }),
        ])
        expect(answers.map(({ body }) => body.releaseId)).toEqual([releaseId, releaseId, releaseId, releaseId])
      }
    })

    test('of a device that runs what it should is told so', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      const expected = { updateAvailable: false, reason: 'runs-the-target' }
      expect((await server.check(app, { releaseId })).body).toEqual(expected)
      expect((await server.check(app, { version: '1.0.0' })).body).toEqual(expected)
    })

    test('says when only a newer shell would do', async () => {
      const { releaseId } = await server.published(app, { bundle: one, minNativeVersion: '2.0' })
      expect((await server.check(app, { nativeVersion: '1.9' })).body).toEqual({
        updateAvailable: false,
        reason: 'native-too-old',
        nativeUpdate: { minNativeVersion: '2.0', releaseId },
      })
      expect((await server.check(app, { nativeVersion: '2.0' })).body).toMatchObject({ releaseId })
    })

    test.each<[string, string, Record<string, string>, string]>([
      ['no device', '/update/check?platform=ios&version=1', {}, '400 invalid-request'],
      ['an unknown platform', '/update/check?deviceId=d&platform=x&version=1', {}, '400 invalid-request'],
      [
        "a platform that is not the app's",
        '/update/check?deviceId=d&platform=web&version=1',
        {},
        '404 platform-not-found',
      ],
      ['an unknown channel', '/update/check?deviceId=d&platform=ios&version=1&channel=x', {}, '404 channel-not-found'],
      ['a device twice', '/update/check?deviceId=d&deviceId=e&platform=ios&version=1', {}, '400 invalid-request'],
    ])('with %s is refused', async (_case, url, _headers, expected) => {
      expect(problemOf(await device('GET', url))).toBe(expected)
    })

    test.each<[string, string, string, string]>([
      ['malformed JSON', 'application/json', '{', '400 malformed-json'],
      ['nothing', 'application/json', '', '400 malformed-json'],
      ['a list', 'application/json', '[]', '400 invalid-request'],
      ['null', 'application/json', 'null', '400 invalid-request'],
      ['text', 'text/plain', 'hello', '415 unsupported-media-type'],
      ['a form', 'application/x-www-form-urlencoded', 'deviceId=d', '415 unsupported-media-type'],
      ['too much', 'application/json', `{"deviceId":"${'x'.repeat(70_000)}"}`, '413 body-too-large'],
      ['a poisoned prototype', 'application/json', '{"__proto__":{"deviceId":"d"}}', '400 malformed-json'],
    ])('whose body is %s is refused', async (_case, type, body, expected) => {
      const headers = { 'x-app-key': app.appKey, 'content-type': type }
      expect(problemOf(await device('POST', '/update/check', { body, headers }))).toBe(expected)
    })

    test.each([
      ['malformed JSON', '{', '400 malformed-json'],
      ['a list', '[]', '400 invalid-request'],
      ['too much', `{"deviceId":"${'x'.repeat(70_000)}"}`, '413 body-too-large'],
    ])('by GET whose body is %s is refused', async (_case, body, expected) => {
      expect(problemOf(await device('GET', '/update/check', { body }))).toBe(expected)
    })

    test('is noted: the device shows itself with what it said', async () => {
      await server.check(app, { deviceId: 'Zoë 📱', nativeVersion: '3.1', cohorts: ['staff'], channel: 'beta' })
      expect(await showDevice('Zoë 📱')).toMatchObject({
        id: 'Zoë 📱',
        platform: 'android',
        channel: 'beta',
        nativeVersion: '3.1',
        cohorts: ['staff'],
        lastDecision: 'up-to-date',
        lastReason: 'nothing-published',
      })
    })

    test('finds a device by any id that it has', async () => {
      await server.published(app, { bundle: one })
      for (const deviceId of ['../../etc/passwd', "'; drop table device; --", '日本語', '%00', 'x'.repeat(200)]) {
        expect((await server.check(app, { deviceId })).body.updateAvailable).toBe(true)
        expect((await showDevice(deviceId)).id).toBe(deviceId)
      }
    })
  })

  describe('the app key', () => {
    const paths = [
      ['GET', '/update/check?deviceId=d&platform=android&version=1'],
      ['POST', '/update/check'],
      ['POST', '/devices'],
      ['POST', '/installations'],
    ] as const
    const body = { deviceId: 'd', platform: 'android', version: '1.0.0', status: 'applied' }
    const ask = (method: string, path: string, key: string | undefined, more: Record<string, unknown> = {}) =>
      server.request(method, path, {
        token: null,
        headers: key === undefined ? {} : { 'x-app-key': key },
        ...(method === 'POST' && { body: { ...body, ...more } }),
      })

    test.each(paths)('is needed for %s %s, and must be right', async (method, path) => {
      const other = await server.createTestApp()
      expect(problemOf(await ask(method, path, undefined))).toBe('401 app-key-required')
      expect(problemOf(await ask(method, path, ''))).toBe('401 app-key-required')
      expect(problemOf(await ask(method, path, 'hpk_unknown'))).toBe('401 app-key-invalid')
      expect(problemOf(await ask(method, `/apps/${app.slug}${path}`, other.appKey))).toBe('401 app-key-invalid')
      if (method === 'POST') {
        expect(problemOf(await ask(method, path, other.appKey, { appId: app.id }))).toBe('401 app-key-invalid')
        expect(problemOf(await ask(method, path, undefined, { appId: app.id }))).toBe('401 app-key-required')
      }
    })

    test.each(paths)('is asked for before anything else about %s %s', async (method, path) => {
      const [address = ''] = path.split('?')
      const options = { token: null, ...(method === 'POST' && { body: {} }) }
      expect(problemOf(await server.request(method, address, options))).toBe('401 app-key-required')
    })

    test('is not needed for an app that was opened, which is then named', async () => {
      const open = await server.createTestApp({ checkAccess: 'open' })
      await server.published(open, { bundle: one, version: '1.0.0' })
      for (const [method, path] of paths) {
        expect((await ask(method, `/apps/${open.slug}${path}`, undefined)).status).toBe(200)
        if (method === 'POST') expect((await ask(method, path, undefined, { appId: open.id })).status).toBe(200)
        expect(problemOf(await ask(method, path, undefined))).toBe('401 app-key-required')
      }
    })

    test('that is wrong is refused by an open app too', async () => {
      const open = await server.createTestApp({ checkAccess: 'open' })
      expect(problemOf(await ask('POST', '/update/check', app.appKey, { appId: open.id }))).toBe('401 app-key-invalid')
    })

    test('opens nothing for people', async () => {
      const headers = { 'x-app-key': app.appKey }
      expect((await server.request('GET', '/releases', { token: null, headers })).status).toBe(401)
    })
  })

  describe('a report', () => {
    test('is kept, once, however often it comes', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      const eventId = '01890000-0000-7000-8000-00000000000e'
      for (let times = 0; times < 3; times++) {
        const { status, body } = await server.report(app, { status: 'applied', releaseId, eventId })
        expect([status, body]).toEqual([200, { recorded: true, releaseId, status: 'applied' }])
      }
      // An original client has no event ids.
      for (let times = 0; times < 2; times++) await server.report(app, { status: 'failed', version: '1.0.0' })
      const shown = await showDevice('device-1')
      expect(shown.events.map((event: { kind: string }) => event.kind).sort()).toEqual(['applied', 'failed'])
      expect(shown).toMatchObject({ currentReleaseId: releaseId, currentVersion: '1.0.0' })
    })

    test.each(['failed', 'rolled_back', 'crashed'])('that a release %s keeps it from that device', async (status) => {
      await server.published(app, { bundle: one })
      const second = await server.published(app, { version: '1.1.0', bundle: two })
      await server.report(app, { status, releaseId: second.releaseId })
      expect((await server.check(app)).body.version).toBe('1.0.0')
      expect((await server.check(app, { deviceId: 'device-2' })).body.version).toBe('1.1.0')
      expect((await showDevice('device-1')).failedReleaseIds).toEqual([second.releaseId])
    })

    test('of a device that could not download says nothing against the release', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      await server.report(app, { status: 'failed', releaseId, code: 'download-failed' })
      expect((await server.check(app)).body.releaseId).toBe(releaseId)
    })

    test('names the release by its version, on whichever platform', async () => {
      const { releaseId } = await server.published(app, { bundle: one, platform: 'ios' })
      const report = (changes: Record<string, unknown>) =>
        server.report(app, { status: 'applied', version: '1.0.0', platform: undefined, ...changes })
      expect((await report({})).body.releaseId).toBe(releaseId)
      expect((await report({ platform: 'ios' })).body.releaseId).toBe(releaseId)
      expect(problemOf(await report({ platform: 'android' }))).toBe('404 release-not-found')
    })

    test('may come after the channel was left, and after the release was archived', async () => {
      const { releaseId } = await server.published(app, { bundle: one, channel: 'beta' })
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect((await server.report(app, { status: 'applied', releaseId })).status).toBe(200)
    })

    test.each<[string, Record<string, unknown>, string]>([
      ['an unknown release', { releaseId: UNKNOWN }, '404 release-not-found'],
      ['an unknown version', { version: '9.9.9' }, '404 release-not-found'],
      ['an unknown channel', { version: '1.0.0', channel: 'x' }, '404 channel-not-found'],
      ['no release', {}, '400 invalid-request'],
      ['an unknown status', { version: '1.0.0', status: 'exploded' }, '400 invalid-request'],
    ])('of %s is refused, and nothing is kept', async (_case, fields, expected) => {
      await server.published(app, { bundle: one })
      expect(problemOf(await server.report(app, { status: 'applied', deviceId: 'nobody', ...fields }))).toBe(expected)
      expect((await showDevice('nobody')).status).toBe(404)
    })

    test('may be about what the binary shipped with, or about no release at all', async () => {
      const answers = [
        await server.report(app, { status: 'confirmed', version: 'embedded' }),
        await server.report(app, { status: 'failed', code: 'answer-invalid' }),
      ]
      expect(answers.map(({ body }) => body)).toEqual([
        { recorded: true, releaseId: null, status: 'confirmed' },
        { recorded: true, releaseId: null, status: 'failed' },
      ])
      expect(await showDevice('device-1')).toMatchObject({ currentReleaseId: null, failedReleaseIds: [] })
    })

    test.each([
      ['of a release that another server may just have published is to be sent again', 0, '503 unavailable'],
      ['the same where the clock of the other one is hours ahead', 6 * 3_600_000, '503 unavailable'],
      [
        'of one that is to be made in days is refused, as all others would wait',
        3 * 86_400_000,
        '404 release-not-found',
      ],
      ['of a release that every server would know by now is refused', -60_000, '404 release-not-found'],
    ])('%s', async (_case, madeAfterMs, expected) => {
      const made = (server.clock.now() + madeAfterMs).toString(16).padStart(12, '0')
      const releaseId = `${made.slice(0, 8)}-${made.slice(8)}-7000-8000-000000000000`
      const answer = await server.report(app, { status: 'applied', deviceId: 'nobody', releaseId })
      expect(problemOf(answer)).toBe(expected)
      expect(answer.headers['retry-after']).toBe(expected.startsWith('503') ? '5' : undefined)
      expect((await showDevice('nobody')).status).toBe(404)
    })

    test("of another app's release is refused", async () => {
      const other = await server.createTestApp()
      const { releaseId } = await server.published(other, { bundle: one })
      expect(problemOf(await server.report(app, { status: 'failed', releaseId }))).toBe('404 release-not-found')
    })
  })

  describe('a registration', () => {
    test('makes a device known', async () => {
      const { status, body } = await register({ version: '2.1', channel: 'beta' })
      expect([status, body]).toEqual([200, { registered: true, deviceId: 'device-1' }])
      expect(await showDevice('device-1')).toMatchObject({
        platform: 'android',
        channel: 'beta',
        nativeVersion: '2.1',
        currentReleaseId: null,
        firstSeenAt: '2027-01-01T00:00:00.000Z',
      })
    })

    test('again is the same device, with what it says now', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      await register({ nativeVersion: '2.1' })
      await register({ nativeVersion: '2.2', version: '1.0.0' })
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
      expect(body.items).toMatchObject([{ id: 'device-1', nativeVersion: '2.2', currentReleaseId: releaseId }])
    })

    test.each<[string, Record<string, unknown>, string]>([
      ['no platform', { platform: undefined }, '400 invalid-request'],
      ['an unknown channel', { channel: 'x' }, '404 channel-not-found'],
      ['an empty id', { deviceId: '' }, '400 invalid-request'],
    ])('with %s is refused', async (_case, fields, expected) => {
      expect(problemOf(await register(fields))).toBe(expected)
    })
  })

  describe('people', () => {
    test('work with releases under the paths of the contract, by access token', async () => {
      const { body: pair } = await server.request('POST', '/auth/token', {
        body: { apiKey: server.ownerToken },
        token: null,
      })
      const token = pair.accessToken as string
      const publish = (version: string, bundle: Buffer) =>
        server.request('POST', '/releases', {
          form: publishForm({ appId: app.id, platform: 'android', version }, bundle),
          token,
        })
      const first = await publish('1.0.0', one)
      const second = await publish('1.1.0', two)
      expect([first.status, second.status]).toEqual([201, 201])
      // The contract knows zips only: what there is of one, it has as fields of the release.
      const sha256 = sha256Of(two)
      const downloadUrl = `http://localhost:80/artifacts/${sha256}`
      const zip = { sha256, sizeBytes: two.length, fileCount: 2, downloadUrl }
      expect(second.body).toMatchObject({ releaseId: second.body.id, ...zip })
      expect(second.body).not.toHaveProperty('content')

      const list = await server.request('GET', `/releases?app=${app.slug}&platform=android&limit=1`, { token })
      expect(list.body.items).toMatchObject([{ id: second.body.id, version: '1.1.0', ...zip }])
      expect(list.body.items[0]).not.toHaveProperty('content')
      const next = await server.request('GET', `/releases?app=${app.slug}&limit=1&cursor=${list.body.nextCursor}`, {
        token,
      })
      expect(next.body).toMatchObject({ items: [{ id: first.body.id }], nextCursor: null })
      expect((await server.request('GET', `/releases/${first.body.id}`, { token })).body).toEqual(next.body.items[0])

      const back = await server.request('PATCH', `/releases/${first.body.id}/rollback`, { token })
      expect(back.body).toMatchObject({ releaseId: first.body.id, rolloutId: back.body.id, position: 3 })
      expect((await server.check(app)).body.version).toBe('1.0.0')

      const gone = await server.request('DELETE', `/releases/${first.body.id}`, { token })
      expect(gone.body).toEqual({ ...next.body.items[0], archivedAt: expect.any(String) })
      expect((await server.check(app)).body.version).toBe('1.1.0')
    })

    test('filter releases by app, platform, channel, version and whether they are active', async () => {
      const { releaseId, rolloutId } = await server.published(app, { bundle: one })
      const beta = await server.published(app, { bundle: two, version: '1.1.0', channel: 'beta' })
      await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
      const list = async (query: string) =>
        (await server.request('GET', `/releases?appId=${app.id}&${query}`)).body.items.map((item: App) => item.id)
      expect(await list('channel=beta')).toEqual([beta.releaseId])
      expect(await list('active=false')).toEqual([releaseId])
      expect(await list('version=9.9.9')).toEqual([])
      expect(await list('platform=ios')).toEqual([])
    })

    test("do not find another app's release under an app's own address", async () => {
      const other = await server.createTestApp()
      const { releaseId } = await server.published(other, { bundle: one })
      const at = (slug: string) => server.request('GET', `/apps/${slug}/releases/${releaseId}`)
      expect((await at(other.slug)).status).toBe(200)
      expect(problemOf(await at(app.slug))).toBe('404 release-not-found')
    })

    test.each([
      ['GET', '/releases/nothing'],
      ['PATCH', '/releases/nothing/rollback'],
      ['DELETE', '/releases/nothing'],
    ])('%s %s finds nothing', async (method, path) => {
      expect(problemOf(await server.request(method, path))).toBe('404 release-not-found')
    })
  })
})
