import { createSign, createVerify, generateKeyPairSync } from 'node:crypto'
import type { App } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  fixedClock,
  problemOf,
  sha256Of,
  startTestServer,
  zipOf,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildIdAt, buildOf } from './testing/hot-updater-build.ts'

const clock = fixedClock('2026-06-01T00:00:00Z')
const EMBEDDED = buildIdAt(Date.parse('2026-01-01'))
const FIRST = buildIdAt(Date.parse('2026-02-01'))
const SECOND = buildIdAt(Date.parse('2026-03-01'))

const digestOf = (text: string) => sha256Of(Buffer.from(text))

describeOnEveryDatabase('clients of hot-updater', (openDatabase) => {
  let server: TestServer
  let app: App
  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_PUBLIC_URL: 'https://updates.example.com' }
    server = await startTestServer({ database: await openDatabase(), clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open', platforms: ['android', 'ios'] })
    clock.advance(3_600_000)
  })

  const filesOf = (text: string) => ({ 'index.android.bundle': `code ${text}`, 'assets/logo.png': 'logo' })
  const publish = async (version: string, buildId: string, more: Record<string, unknown> = {}) =>
    server.publish(app, {
      bundle: await zipOf(buildOf(buildId, filesOf(version))),
      platform: 'android',
      version,
      ...more,
    })

  const check = async (
    bundleId: string,
    { cohort = '', version = '1.0.0', channel = 'production', min = EMBEDDED, headers = {}, by = 'app-version' } = {},
  ) => {
    const address = `/hot-updater/${app.slug}/${by}/android/${version}/${channel}/${min}/${bundleId}${cohort && `/${cohort}`}`
    const told = { 'hot-updater-sdk-version': '0.36.3', ...headers }
    const { status, body } = await server.request('GET', address, { token: null, headers: told })
    expect(status).toBe(200)
    return body
  }
  const place = (path: string, body: object) => server.request('POST', `/manage/v1/apps/${app.slug}/${path}`, { body })
  const NOTHING = { status: 'UP_TO_DATE' }

  test('a build is offered by its own id, and then there is nothing new', async () => {
    const { body: published } = await publish('1.0.1', FIRST, { notes: 'Faster.', mandatory: true })
    const answer = await check(EMBEDDED)
    expect(answer).toEqual({
      id: FIRST,
      status: 'UPDATE',
      shouldForceUpdate: true,
      message: 'Faster.',
      fileUrl: `https://updates.example.com/artifacts/${published.content.sha256}?release=${published.releaseId}`,
      fileHash: published.content.sha256,
    })
    expect(await check(FIRST)).toEqual(NOTHING)
  })

  test('a release that is taken back sends devices to the one before, and then to what the binary shipped with', async () => {
    await publish('1.0.1', FIRST)
    const { body: second } = await publish('1.0.2', SECOND)
    expect(await check(FIRST)).toMatchObject({ id: SECOND, status: 'UPDATE' })
    await server.request('POST', `/manage/v1/rollouts/${second.rolloutId}/halt`, { body: { reason: 'It crashes.' } })
    expect(await check(SECOND)).toMatchObject({ id: FIRST, status: 'ROLLBACK', shouldForceUpdate: true })
    expect((await place('rollbacks', { platform: 'android', channel: 'production', to: 'embedded' })).status).toBe(201)
    expect(await check(FIRST)).toEqual({
      id: '00000000-0000-0000-0000-000000000000',
      status: 'ROLLBACK',
      shouldForceUpdate: true,
      message: null,
      fileUrl: null,
      fileHash: null,
    })
    expect(await check(EMBEDDED)).toEqual(NOTHING)
  })

  test('what was built before the binary is not for it', async () => {
    await publish('1.0.1', FIRST)
    const headers = { 'x-device-id': 'late' }
    expect(await check(SECOND, { min: SECOND, headers })).toEqual(NOTHING)
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/late/explain`)
    expect(body.decision).toMatchObject({ kind: 'up-to-date', reason: 'built-before-binary' })
  })

  test('requirements are those of the two strategies', async () => {
    await publish('1.0.1', FIRST, { nativeRange: '1.x' })
    await publish('1.0.2', SECOND, { runtimeVersion: 'abc123' })
    expect(await check(EMBEDDED, { version: '1.9' })).toMatchObject({ id: FIRST })
    expect(await check(EMBEDDED, { version: '2.0.0' })).toEqual(NOTHING)
    expect(await check(EMBEDDED, { version: 'abc123', by: 'fingerprint' })).toMatchObject({ id: SECOND })
    expect(await check(EMBEDDED, { version: 'def456', by: 'fingerprint' })).toEqual(NOTHING)
  })

  test('only what differs is listed, for whoever has a build already, and brotli where it was made', async () => {
    const big = 'the same words again, '.repeat(2_000)
    const old = { ...filesOf('1'), 'assets/old.txt': 'old' }
    const next = { ...filesOf('2'), 'assets/new.txt': big }
    for (const [version, buildId, files] of [['1.0.1', FIRST, old] as const, ['1.0.2', SECOND, next] as const]) {
      await server.published(app, { bundle: await zipOf(buildOf(buildId, files)), platform: 'android', version })
    }
    const manifest = buildOf(SECOND, next)['manifest.json'] ?? ''
    const answer = await check(FIRST)
    expect(answer.manifestFileHash).toBe(digestOf(manifest))
    expect(Object.keys(answer.changedAssets)).toEqual(['assets/new.txt', 'index.android.bundle'])
    expect(answer.changedAssets['index.android.bundle']).toMatchObject({ fileHash: digestOf('code 2') })
    for (const [url, text] of [
      [answer.manifestUrl, manifest],
      [answer.changedAssets['index.android.bundle'].file.url, 'code 2'],
    ] as const) {
      const { pathname, search } = new URL(url)
      expect((await server.request('GET', pathname + search, { token: null })).body.toString()).toBe(text)
    }
    expect(await check(EMBEDDED)).not.toHaveProperty('changedAssets')
  })

  describe('cohorts', () => {
    test('a number is drawn, a name has to be listed or everybody meant', async () => {
      await publish('1.0.1', FIRST, { percentage: 50, cohorts: ['qa-team'] })
      const ids = await Promise.all(
        Array.from({ length: 100 }, (_, index) => check(EMBEDDED, { cohort: String(index * 10 + 1) })),
      )
      const taken = ids.filter(({ id }) => id === FIRST).length
      expect([taken > 30, taken < 70]).toEqual([true, true])
      expect(await check(EMBEDDED)).toEqual(NOTHING)
      expect(await check(EMBEDDED, { cohort: 'qa-team' })).toEqual(NOTHING)
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { deviceCohorts: 'allowed' } })
      expect(await check(EMBEDDED, { cohort: 'qa-team' })).toMatchObject({ id: FIRST })
    })

    test("an app with the original's bucketing has the very cohorts that hot-updater would have", async () => {
      app = await server.createTestApp({ checkAccess: 'open', platforms: ['android'], bucketing: 'original' })
      await publish('1.0.1', FIRST, { percentage: 25 })
      const { isCohortEligibleForUpdate } = await import('@hot-updater/core')
      for (let cohort = 1; cohort <= 1_000; cohort += 7) {
        const { id } = await check(EMBEDDED, { cohort: String(cohort) })
        expect(id === FIRST, `${cohort}`).toBe(isCohortEligibleForUpdate(FIRST, String(cohort), 250, []))
      }
      expect(await check(EMBEDDED, { cohort: 'named' })).toEqual(NOTHING)
    })
  })

  test('a key of the other platform is refused, and so is a name that no app has, in words of its configuration', async () => {
    await publish('1.0.1', FIRST)
    const { body: key } = await place('channel-keys', { channel: 'production', platform: 'ios' })
    const asked = async (word: string) => {
      const path = `/hot-updater/${word}/app-version/android/1.0.0/production/${EMBEDDED}/${EMBEDDED}`
      const { status, body } = await server.request('GET', path, { token: null })
      return `${status} ${body.message}`
    }
    expect(await asked(key.key)).toBe(
      '401 The key is that of a channel for ios, and the device says that it runs on android: build it with the key for android.',
    )
    expect(await asked('nobody')).toMatch(/^401 Expected in baseURL/)
  })

  test('who tells no id has no row; who does is told nothing again of what crashed there', async () => {
    await publish('1.0.1', FIRST)
    await check(EMBEDDED, { cohort: '17' })
    const devices = () => server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
    expect((await devices()).body.items).toEqual([])
    const told = { 'x-device-id': 'device-1' }
    expect(await check(EMBEDDED, { headers: told })).toMatchObject({ id: FIRST })
    expect(await check(EMBEDDED, { headers: { ...told, 'x-crashed-bundles': FIRST } })).toEqual(NOTHING)
    expect((await devices()).body.items).toMatchObject([{ id: expect.any(String) }])
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1/explain`)
    expect(body.decision).toMatchObject({ reason: 'failed-on-this-device' })
  })

  test('what its publisher has signed is told by the signatures alone', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const { body: key } = await place('keys', { algorithm: 'rsa', publicKey: pem, name: 'clients' })
    await publish('1.0.1', FIRST)
    const { body: second } = await publish('1.0.2', SECOND)
    const manifest = digestOf(buildOf(SECOND, filesOf('1.0.2'))['manifest.json'] ?? '')
    const sign = async (subject: string, signed = subject) => {
      const value = createSign('sha256').update(Buffer.from(signed, 'hex')).sign(privateKey, 'base64')
      const body = { scheme: 'rsa-sha256-digest', keyId: key.id, signatures: [{ subject, value }] }
      return { value, answer: await place(`releases/${second.releaseId}/signatures`, body) }
    }
    expect(problemOf((await sign(manifest, digestOf('another'))).answer)).toBe('422 signature-invalid')
    const whole = await sign(second.content.sha256)
    expect(await check(FIRST)).toMatchObject({ fileHash: `sig:${whole.value}` })
    // Of which the client could verify one half.
    expect(await check(FIRST)).not.toHaveProperty('manifestUrl')
    const list = await sign(manifest)
    const answer = await check(FIRST)
    expect(answer).toMatchObject({ fileHash: `sig:${whole.value}`, manifestFileHash: `sig:${list.value}` })
    // As SignatureVerifier.kt does it.
    const verifying = createVerify('sha256').update(Buffer.from(second.content.sha256, 'hex'))
    expect(verifying.verify(publicKey, answer.fileHash.slice('sig:'.length), 'base64')).toBe(true)
  })

  test('other archives are not for them', async () => {
    await server.published(app, {
      bundle: await zipOf({ 'index.android.bundle': 'x' }),
      platform: 'android',
      version: '1.0.1',
    })
    expect(await check(EMBEDDED, { headers: { 'x-device-id': 'other' } })).toEqual(NOTHING)
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/other/explain`)
    expect(body.decision).toMatchObject({ reason: 'form-not-taken' })
  })

  test('one build is one release', async () => {
    await publish('1.0.1', FIRST)
    const again = await publish('1.0.2', FIRST)
    expect(problemOf(again)).toBe('409 release-exists')
    expect(again.body.detail).toContain(`The build ${FIRST} for android is published already, as 1.0.1`)
    const build = buildOf(FIRST, { 'index.ios.bundle': 'x' })
    const ofIos = await server.publish(app, { bundle: await zipOf(build), platform: 'ios', version: '1.0.1' })
    expect(ofIos.status).toBe(201)
  })

  test.each([
    {
      of: 'a file that is not as listed',
      files: { ...buildOf(FIRST, filesOf('1')), 'assets/logo.png': 'another' },
      detail: 'manifest.json: expected the file "assets/logo.png" with the SHA-256',
    },
    {
      of: 'a file that is not listed',
      files: { ...buildOf(FIRST, filesOf('1')), 'extra.txt': 'x' },
      detail: 'expected every file of the archive in its assets, found "extra.txt" beside them',
    },
    {
      of: 'an id that is none',
      files: buildOf('latest', filesOf('1')),
      detail: 'manifest.json: /bundleId: expected the id of the build, a UUID in lower case, found "latest"',
    },
    {
      of: 'the bundle of another platform',
      files: buildOf(FIRST, { 'index.ios.bundle': 'x' }),
      detail: 'Expected index.android.bundle in the build, as it is for android, found none.',
    },
  ])('is refused: $of', async ({ files, detail }) => {
    const answer = await server.publish(app, { bundle: await zipOf(files), platform: 'android', version: '1.0.1' })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.body.detail).toContain(detail)
  })

  test('refusals are in the words of its own servers', async () => {
    const address = `/hot-updater/${app.slug}/app-version/windows/1.0.0/production/${EMBEDDED}/${EMBEDDED}`
    const { status, body } = await server.request('GET', address, { token: null })
    expect([status, body.error]).toEqual([400, 'invalid-request'])
    expect(body.message).toBe('/platform: expected "android" or "ios" in the address, found "windows"')
    const version = await server.request('GET', `/hot-updater/${app.slug}/version`, { token: null })
    expect(version.body).toEqual({ version: '0.36.3' })
  })
})
