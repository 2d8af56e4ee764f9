import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { App } from '@hotpatch/api'
import { readExpoUpdateId } from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  eventually,
  fixedClock,
  injectRequest,
  publishFiles,
  sha256Of,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { exportOf } from '@hotpatch/testkit/expo'

const EMBEDDED = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'
const DEVICE = '0b0c0d0e-0000-4000-8000-00000000000a'
const LOGO = { ext: 'png', bytes: 'a logo' }

describeOnEveryDatabase("Expo's client", (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  beforeAll(async () => {
    db = await openDatabase()
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_PUBLIC_URL: 'https://updates.example.com' }
    server = await startTestServer({ database: db, clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open' })
    clock.advance(3_600_000)
  })

  const publish = (version: string, changes: Record<string, unknown> = {}) =>
    publishFiles(server, app, {
      files: exportOf({ bundle: `bundle ${version}`, assets: [LOGO] }),
      platform: 'android',
      runtimeVersion: '1',
      version,
      ...changes,
    })
  const told = {
    accept: 'multipart/mixed,application/expo+json,application/json',
    'expo-platform': 'android',
    'expo-protocol-version': '1',
    'expo-runtime-version': '1',
    'eas-client-id': DEVICE,
    'expo-embedded-update-id': EMBEDDED,
    'expo-current-update-id': EMBEDDED,
  }
  const check = (headers: Record<string, string> = {}, name = app.slug) =>
    server.request('GET', `/expo/${name}/manifest`, { token: null, headers: { ...told, ...headers } })
  const running = (id: string) => ({ 'expo-current-update-id': id })
  const partOf = (answer: { body: unknown }, name: string) => {
    const [head = '', json = ''] = String(answer.body).split('\r\n\r\n')
    expect(head).toContain(`content-disposition: inline; name="${name}"`)
    return JSON.parse(json.split('\r\n')[0] ?? '')
  }
  const manifestOf = async (headers: Record<string, string> = {}) => partOf(await check(headers), 'manifest')
  const device = async () => (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${DEVICE}`)).body
  const back = async (to: unknown) => {
    const body = { platform: 'android', channel: 'production', to }
    const answer = await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
    expect(answer.status).toBe(201)
    return answer.body
  }
  const rolloutOf = async (releaseId: string) => {
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
    return body.items.find((rollout: { releaseId: string }) => rollout.releaseId === releaseId).id
  }

  describe('a check', () => {
    test('of many assets has bytes that were made once, and compressed once', async () => {
      const assets = Array.from({ length: 200 }, (_, index) => ({ ext: 'png', bytes: `picture ${index}` }))
      await publish('1.1.0', { files: exportOf({ bundle: 'bundle', assets }) })
      const ask = (device: string, acceptEncoding: string) =>
        injectRequest(server.app, {
          url: `/expo/${app.slug}/manifest`,
          headers: { ...told, 'eas-client-id': device, 'accept-encoding': acceptEncoding },
        })
      const plain = await ask(DEVICE, 'identity')
      expect(partOf({ body: plain.payload }, 'manifest').assets).toHaveLength(200)
      for (const [coding, unpack] of [
        ['gzip', gunzipSync],
        ['br', brotliDecompressSync],
      ] as const) {
        let device = 0
        const packed = await eventually(async () => {
          const answer = await ask(`another ${device++}`, `deflate, ${coding}`)
          expect(answer.headers['content-encoding']).toBe(coding)
          return answer
        })
        expect(unpack(packed.rawPayload)).toEqual(plain.rawPayload)
        expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2)
        expect(packed.headers).toMatchObject({ vary: 'accept-encoding', 'expo-protocol-version': '1' })
      }
    })

    test('brings what is published, and tells the server what there is to know', async () => {
      const { releaseId, content } = await publish('1.1.0')
      const answer = await check({ 'expo-extra-params': 'locale="de-AT", os-version="15", native-version="3.2"' })
      expect(answer.headers).toMatchObject({
        'content-type': 'multipart/mixed; boundary=hotpatch-part',
        'expo-protocol-version': '1',
        'expo-sfv-version': '0',
        'cache-control': 'private, max-age=0',
      })
      const manifest = partOf(answer, 'manifest')
      const bundle = sha256Of(Buffer.from('bundle 1.1.0'))
      const logo = sha256Of(Buffer.from(LOGO.bytes))
      const at = `https://updates.example.com/expo/${app.slug}/assets`
      expect(manifest).toEqual({
        id: expect.any(String),
        createdAt: new Date(clock.now()).toISOString(),
        runtimeVersion: '1',
        launchAsset: {
          hash: Buffer.from(bundle, 'hex').toString('base64url'),
          key: bundle,
          contentType: 'application/javascript',
          fileExtension: '.bundle',
          url: `${at}/${bundle}`,
        },
        assets: [
          {
            hash: Buffer.from(logo, 'hex').toString('base64url'),
            key: expect.stringMatching(/^[0-9a-f]{32}$/),
            contentType: 'image/png',
            fileExtension: '.png',
            url: `${at}/${logo}`,
          },
        ],
        metadata: {},
        extra: { expoClient: { name: 'Demo', slug: 'demo' } },
      })
      expect(readExpoUpdateId(manifest.id)).toEqual({
        digestStart: content.kind === 'files' && content.sha256.slice(0, 15),
        place: expect.any(Number),
        at: clock.now(),
      })
      expect(await device()).toMatchObject({
        dialect: 'expo',
        platform: 'android',
        nativeVersion: '3.2',
        runtimeVersion: '1',
        currentReleaseId: null,
        attributes: { osVersion: '15', locale: 'de-AT', sdkVersion: '1' },
      })
      const asset = await server.request('GET', new URL(manifest.assets[0].url).pathname, {
        token: null,
        headers: { ...told, 'expo-requested-update-id': manifest.id },
      })
      expect([asset.status, asset.body]).toEqual([200, LOGO.bytes])
      expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')

      expect(await check(running(manifest.id))).toMatchObject({ status: 204 })
      expect(await device()).toMatchObject({ currentReleaseId: releaseId, currentVersion: '1.1.0' })
    })

    test('of an app that tells something of its own is judged by it, and why says so', async () => {
      await publish('1.1.0', { rules: [{ attribute: 'custom.plan', in: ['gold'] }] })
      expect(await check()).toMatchObject({ status: 204 })
      expect(await check({ 'expo-extra-params': 'plan="silver", locale="de"' })).toMatchObject({ status: 204 })
      expect((await device()).attributes).toMatchObject({ 'custom.plan': 'silver', locale: 'de' })
      const explain = async () =>
        JSON.stringify(
          (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${DEVICE}/explain?release=1.1.0`)).body,
        )
      expect(await explain()).toContain('custom.plan one of gold')
      expect(await check({ 'expo-extra-params': 'plan="Gold"' })).toMatchObject({ status: 200 })
      expect(await explain()).not.toContain('custom.plan one of gold')

      // They are told together, few and short.
      const many = Array.from({ length: 40 }, (_, index) => `p${index}="${'x'.repeat(150)}"`)
      await check({ 'expo-extra-params': many.join(', ') })
      const { attributes } = await device()
      expect(Object.keys(attributes).filter((name) => name.startsWith('custom.'))).toHaveLength(20)
      expect(attributes).not.toHaveProperty('custom.plan')
      await check({ 'expo-extra-params': `plan="${'y'.repeat(900)}", ${'z'.repeat(41)}="long", *star="a"` })
      expect((await device()).attributes).toEqual({
        embeddedUpdateId: EMBEDDED,
        locale: 'de',
        sdkVersion: '1',
        'custom.plan': 'y'.repeat(200),
      })
    })

    test('is the same device in upper case, as iOS tells its id', async () => {
      await publish('1.1.0')
      await check()
      await check({ 'eas-client-id': DEVICE.toUpperCase() })
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
      expect(body.items).toHaveLength(1)
    })

    test('brings nothing of another runtime version, and nothing that is no export', async () => {
      await publish('1.1.0')
      expect(await check({ 'expo-runtime-version': '2' })).toMatchObject({ status: 204 })
      await publishFiles(server, app, { files: { 'a.txt': 'a' }, platform: 'android', version: '1.2.0' })
      const manifest = await manifestOf()
      expect(manifest.launchAsset.key).toBe(sha256Of(Buffer.from('bundle 1.1.0')))
      const explained = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${DEVICE}/explain`)
      expect(JSON.stringify(explained.body)).toContain('form-not-taken')
      expect(JSON.stringify(explained.body)).toContain('npx expo export')
    })

    test('says what is wrong with it', async () => {
      expect(await check({ 'expo-platform': 'windows' })).toMatchObject({
        status: 400,
        body: { code: 'invalid-request' },
      })
      expect(await check({ 'expo-channel-name': 'nowhere' })).toMatchObject({ status: 404 })
      expect(await check({}, 'nobody')).toMatchObject({ status: 401, body: { code: 'app-key-required' } })
      // What cannot be read was not told.
      await publish('1.1.0')
      expect(await check({ 'expo-extra-params': '{{', 'expo-recent-failed-update-ids': 'x"' })).toMatchObject({
        status: 200,
      })
    })

    test('of version 0 is answered with what runs, where there is nothing new', async () => {
      const old = { 'expo-protocol-version': '0' }
      expect((await check(old)).status).toBe(404)
      await publish('1.1.0')
      const answer = await check(old)
      expect(answer.headers).toMatchObject({ 'content-type': 'application/expo+json; charset=utf-8' })
      expect(answer.headers['expo-protocol-version']).toBe('0')
      expect((await check({ ...old, ...running(answer.body.id) })).body).toEqual(answer.body)
      // What takes one part only can be told no more.
      const one = await check({ accept: 'application/json' })
      expect(one.body).toEqual(answer.body)
      await back('embedded')
      expect((await check({ ...old, ...running(answer.body.id) })).body).toEqual(answer.body)
    })
  })

  describe('going back', () => {
    test('to an older release is a new update, with a later time and the same files', async () => {
      const first = await publish('1.1.0')
      const one = await manifestOf()
      clock.advance(1_000)
      await publish('1.2.0')
      const two = await manifestOf(running(one.id))
      clock.advance(1_000)
      await back({ releaseId: first.releaseId })
      const again = await manifestOf(running(two.id))
      expect(again.createdAt > two.createdAt).toBe(true)
      expect(again.id).not.toBe(one.id)
      expect(again.launchAsset).toEqual(one.launchAsset)
      expect(await check(running(again.id))).toMatchObject({ status: 204 })
      // Whoever has it already is up to date, whichever id it came by.
      expect(await check(running(one.id))).toMatchObject({ status: 204 })
    })

    test('by halting is later than what was halted, also for whoever never had that', async () => {
      await publish('1.1.0')
      const one = await manifestOf()
      clock.advance(1_000)
      const second = await publish('1.2.0')
      const two = await manifestOf(running(one.id))
      clock.advance(1_000)
      const halted = await server.request('POST', `/manage/v1/rollouts/${await rolloutOf(second.releaseId)}/halt`)
      expect(halted.status).toBe(200)
      const again = await manifestOf()
      expect(again.createdAt).toBe(new Date(clock.now()).toISOString())
      expect(await manifestOf(running(two.id))).toEqual(again)
    })

    test('to embedded is a directive, after which the client tells when that was', async () => {
      await publish('1.1.0')
      const one = await manifestOf()
      clock.advance(1_000)
      const { id } = await back('embedded')
      const answer = await check(running(one.id))
      const commitTime = new Date(clock.now()).toISOString()
      expect(partOf(answer, 'directive')).toEqual({ type: 'rollBackToEmbedded', parameters: { commitTime } })
      expect(answer.headers['expo-server-defined-headers']).toBe(`hotpatch-sent-back-at="${commitTime}"`)
      expect(await check()).toMatchObject({ status: 204 })
      // No wait: not even a millisecond may lie between.
      await server.request('POST', `/manage/v1/rollouts/${id}/withdraw`)
      const again = await manifestOf({ 'hotpatch-sent-back-at': commitTime })
      expect(Date.parse(again.createdAt)).toBe(clock.now() + 1)
    })
  })

  describe('what failed', () => {
    test('is told with every check, stored once, and not offered to the device again', async () => {
      await publish('1.1.0')
      const one = await manifestOf()
      clock.advance(1_000)
      const second = await publish('1.2.0')
      const two = await manifestOf(running(one.id))
      const failed = { 'expo-recent-failed-update-ids': `"${two.id}"`, 'expo-fatal-error': 'TypeError: no' }
      expect(await check({ ...running(one.id), ...failed })).toMatchObject({ status: 204 })
      for (let times = 0; times < 3; times++) {
        await check({ ...running(one.id), 'expo-recent-failed-update-ids': `"${two.id.toUpperCase()}"` })
      }
      const shown = await device()
      expect(shown.failedReleaseIds).toEqual([second.releaseId])
      expect(shown.events.filter(({ kind }: { kind: string }) => kind === 'crashed')).toMatchObject([
        { releaseId: second.releaseId, code: 'launch-failed', detail: 'TypeError: no' },
      ])
      // The client would start the newest that ever came up: what it is to have instead is later than that.
      const instead = await manifestOf({ ...running(two.id), ...failed })
      expect(instead.createdAt > two.createdAt).toBe(true)
      expect(instead.launchAsset).toEqual(one.launchAsset)
    })

    test('trips the guard', async () => {
      await publish('1.1.0')
      const one = await manifestOf()
      clock.advance(86_400_000)
      const devices = Array.from(
        { length: 60 },
        (_, index) => `0b0c0d0e-0000-4000-8000-${String(index).padStart(12, '0')}`,
      )
      const from = (index: number) => `198.51.${index}.1`
      const ask = (index: number, headers: Record<string, string>) =>
        server.request('GET', `/expo/${app.slug}/manifest`, {
          token: null,
          headers: { ...told, 'eas-client-id': devices[index] ?? '', ...headers },
          from: from(index),
        })
      for (const index of devices.keys()) await ask(index, running(one.id))
      clock.advance(86_400_000)
      for (const index of devices.keys()) await ask(index, running(one.id))
      const second = await publish('1.2.0', { guard: { action: 'pause', maxBadPercent: 5 } })
      const two = await manifestOf(running(one.id))
      for (const index of devices.keys()) {
        await ask(index, running(one.id))
        await ask(index, { ...running(one.id), 'expo-recent-failed-update-ids': `"${two.id}"` })
      }
      // No answer waits until what came along is stored; whoever reads devices does.
      await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
      await server.tick()
      const rollout = await server.request('GET', `/manage/v1/rollouts/${await rolloutOf(second.releaseId)}`)
      expect(rollout.body.state).toBe('paused')
    })

    test('of what runs takes it from nobody', async () => {
      await publish('1.1.0')
      const one = await manifestOf()
      await check({ ...running(one.id), 'expo-fatal-error': 'TypeError: later' })
      expect(await check(running(one.id))).toMatchObject({ status: 204 })
      const shown = await device()
      expect(shown.failedReleaseIds).toEqual([])
      const crashed = shown.events.filter(({ kind }: { kind: string }) => kind === 'crashed')
      expect(crashed).toMatchObject([{ kind: 'crashed', code: 'crashed-in-use', detail: 'TypeError: later' }])
    })
  })

  describe('an export', () => {
    const files = exportOf({ bundle: 'bundle', assets: [LOGO] })
    const expectRefusal = (message: RegExp, changed: Record<string, string>, changes: Record<string, unknown> = {}) =>
      expect(publish('1.1.0', { files: { ...files, ...changed }, ...changes })).rejects.toThrow(message)

    test.each([
      [
        'for two platforms',
        { 'metadata.json': JSON.stringify({ version: 0, bundler: 'metro', fileMetadata: { ios: {}, android: {} } }) },
        /fileMetadata.*one platform/,
      ],
      [
        'whose bundle is not there',
        {
          'metadata.json': JSON.stringify({
            version: 0,
            bundler: 'metro',
            fileMetadata: { android: { bundle: 'none', assets: [] } },
          }),
        },
        /bundle.*path of a file/,
      ],
      [
        'whose config would end the app on iOS',
        { 'expo-config.json': '{"version":null}' },
        /expo-config.json.*version.*null/,
      ],
      ['whose config is no JSON', { 'expo-config.json': 'module.exports' }, /expo-config.json.*JSON/],
    ])('%s is refused', async (_what, changed, message) => {
      await expectRefusal(message, changed)
    })

    test('is for its own platform, and starts with its bundle', async () => {
      await expectRefusal(/content-unfit/, {}, { platform: 'ios' })
      await expectRefusal(/launch.*bundle/, {}, { launch: 'metadata.json' })
    })

    test('of another tool is none', async () => {
      await publish('1.1.0', { files: { 'metadata.json': 'not even JSON', a: 'b' } })
      expect(await check()).toMatchObject({ status: 204 })
    })
  })
})
