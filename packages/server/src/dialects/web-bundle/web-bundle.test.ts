import { readFileSync } from 'node:fs'
import { bundleOf, startTestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { describeDialect } from '../testing/dialect-suite.ts'
import { webBundle, writeManifest } from './web-bundle.ts'

const BASE = '/api/v1/native/bundle'

describeDialect({
  dialect: webBundle(),
  asks: {
    [`GET ${BASE}/manifest`]: ({ channel }) => ({ url: `${BASE}/manifest?channel=${channel}` }),
    [`GET ${BASE}/download`]: ({ channel }) => ({ url: `${BASE}/download?channel=${channel}` }),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(body.message).toMatch(/\S/)
    return String(body.code).toLowerCase().replaceAll('_', '-')
  },
  readOffer({ status, body, headers }) {
    if (status === 404) return null
    return headers['content-type'] === 'application/zip' ? '1.0.0' : body.version
  },
  askAnonymously: ({ channel }) => ({ url: `${BASE}/manifest?channel=${channel}` }),
  explains: { skip: 'a feed is read by nobody in particular' },
})

interface Vector {
  comment: string
  release: OfferedRelease
  publicUrl: string
  expected: unknown
}
const VECTORS = new URL('../../../../../vectors/dialects/web-bundle/manifests.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { cases: Vector[] }

test.each(cases)('Web bundle §2: $comment', ({ release, publicUrl, expected }) => {
  if (expected === null) expect(() => writeManifest(release, publicUrl)).toThrow('A manifest was stopped')
  else expect(JSON.parse(writeManifest(release, publicUrl))).toEqual(expected)
})

describe('what is in force for everyone', async () => {
  const server = await startTestServer({ env: { HOTPATCH_DEFAULT_APP: 'demo' } })
  afterAll(() => server.close())
  const app = await server.createTestApp({ checkAccess: 'open' })
  const manifest = (query = '') => server.request('GET', `${BASE}/manifest${query}`, { token: null })
  const publish = async (version: string, changes: object = {}) =>
    server.published(app, { bundle: await bundleOf(version), platform: 'any', version, ...changes })
  let first = ''
  beforeAll(async () => {
    first = (await publish('1.0.0', { minNativeVersion: '3.1.0' })).releaseId
  })

  test('is at the root for the app that requests without a name mean', async () => {
    const { body } = await manifest()
    expect(body).toMatchObject({ version: '1.0.0', minNativeVersion: '3.1.0' })
    const download = await server.request('GET', `${BASE}/download`, { token: null })
    expect(download.headers).toMatchObject({
      'content-type': 'application/zip',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${body.checksum}"`,
    })
    expect(body.url).toMatch(new RegExp(`/artifacts/${body.checksum}\\?release=[0-9a-f-]{36}$`))
  })

  test('follows a roll-back to an older release, and to embedded it says that there is none', async () => {
    await publish('1.1.0')
    expect((await manifest()).body.version).toBe('1.1.0')
    const back = (to: unknown) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
        body: { platform: 'any', channel: 'production', to },
      })
    expect((await back({ releaseId: first })).status).toBe(201)
    expect((await manifest()).body.version).toBe('1.0.0')
    expect((await back('embedded')).status).toBe(201)
    expect(await manifest()).toMatchObject({ status: 404, body: { code: 'OTA_BUNDLE_NOT_AVAILABLE' } })
  })

  test('leaves out what it cannot say the requirement of', async () => {
    await publish('1.2.0')
    await publish('1.3.0', { runtimeVersion: 'native-7' })
    expect((await manifest()).body.version).toBe('1.2.0')
  })

  test('has none of a rollout that is paused, or not for everyone', async () => {
    const { rolloutId } = await publish('1.4.0', { percentage: 50 })
    expect((await manifest()).body.version).toBe('1.2.0')
    await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage: 100 } })
    expect((await manifest()).body.version).toBe('1.4.0')
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/pause`)
    expect((await manifest()).body.version).toBe('1.2.0')
  })

  test('is of the platform that the client names, too', async () => {
    await publish('2.0.0', { platform: 'ios' })
    expect((await manifest('?platform=ios')).body.version).toBe('2.0.0')
    expect((await manifest('?platform=android')).body.version).toBe('1.2.0')
    expect(await manifest('?platform=amiga')).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  })
})

describe('a device that tells which one it is', async () => {
  const server = await startTestServer({ env: { HOTPATCH_DEFAULT_APP: 'demo' } })
  afterAll(() => server.close())
  const app = await server.createTestApp({ checkAccess: 'open', platforms: ['ios', 'android'] })
  const manifest = async (deviceId: string, told: Record<string, string> = {}) => {
    const query = new URLSearchParams({
      platform: 'android',
      version: 'builtin',
      nativeVersion: '2.0',
      deviceId,
      ...told,
    })
    return server.request('GET', `${BASE}/manifest?${query.toString()}`, { token: null })
  }
  const versionFor = async (deviceId: string, told: Record<string, string> = {}) =>
    (await manifest(deviceId, told)).body.version as string | undefined
  const publish = async (version: string, changes: object = {}) =>
    server.published(app, { bundle: await bundleOf(version), platform: 'any', version, ...changes })

  test('is told what it is to run: of a partial rollout, too, by the same bucket as everywhere', async () => {
    await publish('1.0.0')
    const { releaseId } = await publish('1.1.0', { percentage: 50 })
    const ids = Array.from({ length: 40 }, (_, index) => `device-${index}`)
    for (const id of ids) {
      const { body } = await server.check(app, { deviceId: id, version: '2.0' })
      expect(await versionFor(id)).toBe(body.releaseId === releaseId ? '1.1.0' : '1.0.0')
    }
    const versions = await Promise.all(ids.map((id) => versionFor(id)))
    expect(new Set(versions)).toEqual(new Set(['1.0.0', '1.1.0']))
    // Nobody in particular is in no bucket.
    expect(
      (await server.request('GET', `${BASE}/manifest?platform=android&deviceId=`, { token: null })).body.version,
    ).toBe('1.0.0')
    // It runs it already: it is told the same, and compares.
    const one = ids[versions.indexOf('1.1.0')] ?? ''
    expect(await versionFor(one, { version: '1.1.0' })).toBe('1.1.0')
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${one}`)
    expect(body).toMatchObject({ currentVersion: '1.1.0', nativeVersion: '2.0', lastReason: 'runs-the-target' })
    const explained = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${one}/explain`)
    expect(explained.body.decision).toMatchObject({ kind: 'up-to-date' })
  })

  test('is told of what only a newer shell runs, and not of what it cannot judge', async () => {
    await publish('1.2.0', { minNativeVersion: '3.0' })
    await publish('1.3.0', { runtimeVersion: 'native-7' })
    expect((await manifest('device-old', { nativeVersion: '2.0' })).body.version).toMatch(/^1\.[01]\.0$/)
    expect(await versionFor('device-new', { nativeVersion: '3.1' })).toBe('1.2.0')
    const alone = await server.createTestApp({ checkAccess: 'open' })
    await server.published(alone, { bundle: await bundleOf('x'), platform: 'android', minNativeVersion: '9.0' })
    const query = 'platform=android&version=1.0&nativeVersion=1.0&deviceId=d'
    const { body } = await server.request('GET', `/apps/${alone.slug}${BASE}/manifest?${query}`, { token: null })
    expect(body).toMatchObject({ version: '1.0.0', minNativeVersion: '9.0' })
  })

  test('has none where it is to run what its binary shipped with', async () => {
    const back = { platform: 'any', channel: 'production', to: 'embedded' }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body: back })
    expect(await manifest('device-1', { version: '1.1.0' })).toMatchObject({
      status: 404,
      body: { code: 'OTA_BUNDLE_NOT_AVAILABLE' },
    })
  })

  test.each([
    ['without a platform', { platform: '' }],
    ['with an endless id', { deviceId: 'x'.repeat(201) }],
  ])('is refused %s', async (_case, told) => {
    expect(await manifest('device-1', told)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  })
})

test('a page of another origin may ask, and read the answer', async () => {
  const server = await startTestServer({})
  onTestFinished(() => server.close())
  const origin = { origin: 'capacitor://localhost' }
  const asked = { ...origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-app-key' }
  const preflight = await server.request('OPTIONS', `${BASE}/manifest`, { token: null, headers: asked })
  expect([preflight.status, preflight.headers]).toEqual([
    200,
    expect.objectContaining({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': expect.stringContaining('x-app-key'),
    }),
  ])
  const refused = await server.request('GET', `${BASE}/manifest`, { token: null, headers: origin })
  // Once: a browser takes two for none.
  expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, '*'])
})
