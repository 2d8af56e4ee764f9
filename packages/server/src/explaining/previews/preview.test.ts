import type { App, RolloutReach } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

const DEVICES = 120

describeOnEveryDatabase('what a rollout would reach', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let bundle: Buffer

  beforeAll(async () => {
    db = await openDatabase()
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, clock: fixedClock(), env })
    bundle = await bundleOf('one')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ deviceIds: 'hashed' })
    // A third each: an old shell, Android 12, and one that has all.
    const kinds = [
      { nativeVersion: '1.0' },
      { nativeVersion: '2.0', osVersion: '12' },
      { nativeVersion: '2.0', osVersion: '14' },
    ]
    await Promise.all(
      Array.from({ length: DEVICES }, (_, index) => server.check(app, { deviceId: `d-${index}`, ...kinds[index % 3] })),
    )
    await server.check(app, { deviceId: 'elsewhere', channel: 'beta', nativeVersion: '2.0' })
  })

  const ask = (body: Record<string, unknown>) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/rollouts/preview`, {
      body: { platform: 'android', channel: 'production', ...body },
    })
  const preview = async (body: Record<string, unknown> = {}): Promise<RolloutReach> => (await ask(body)).body

  test('counts every device of the channel, and makes nothing', async () => {
    const before = await dumpDecisions(db)
    expect(await preview()).toEqual({
      devices: DEVICES,
      reached: DEVICES,
      alreadyRunning: 0,
      missed: [],
      judged: DEVICES,
      isExact: true,
    })
    expect(await dumpDecisions(db)).toEqual(before)
  })

  test('says why the others would not get it', async () => {
    const wanted = { minNativeVersion: '2.0', rules: [{ attribute: 'osVersion', range: '>=13' }] }
    const reach = await preview(wanted)
    expect(reach).toMatchObject({ reached: DEVICES / 3, isExact: true })
    expect(reach.missed).toEqual([
      { reason: 'attributes-differ', explanation: expect.any(String), devices: (DEVICES / 3) * 2 },
    ])
    expect((await preview({ minNativeVersion: '2.0' })).missed).toMatchObject([
      { reason: 'native-too-old', devices: DEVICES / 3 },
    ])
  })

  test('is what happens when it is made', async () => {
    const wanted = { minNativeVersion: '2.0', rules: [{ attribute: 'osVersion' as const, range: '>=13' }] }
    const { reached } = await preview(wanted)
    await server.published(app, { bundle, ...wanted })
    const kinds = [
      { nativeVersion: '1.0' },
      { nativeVersion: '2.0', osVersion: '12' },
      { nativeVersion: '2.0', osVersion: '14' },
    ]
    const answers = await Promise.all(
      Array.from({ length: DEVICES }, (_, index) => server.check(app, { deviceId: `d-${index}`, ...kinds[index % 3] })),
    )
    expect(answers.filter(({ body }) => body.updateAvailable)).toHaveLength(reached)
  })

  test('of a percentage it says that the devices are drawn later', async () => {
    const reach = await preview({ percentage: 25 })
    expect(reach.isExact).toBe(false)
    expect(Math.abs(reach.reached - DEVICES / 4)).toBeLessThan(DEVICES / 6)
    expect(reach.missed).toMatchObject([{ reason: 'outside-audience', devices: DEVICES - reach.reached }])
  })

  test('knows forced devices, cohorts and what runs already', async () => {
    await server.request('POST', `/manage/v1/apps/${app.slug}/cohorts`, {
      body: { name: 'testers', devices: ['d-1', 'd-2'] },
    })
    expect(await preview({ percentage: 0, devices: ['d-0'], cohorts: ['testers'] })).toMatchObject({
      reached: 3,
      isExact: true,
    })
    const { releaseId } = await server.published(app, { bundle })
    await server.check(app, { deviceId: 'd-0', releaseId, nativeVersion: '1.0' })
    await server.report(app, { deviceId: 'd-1', releaseId, status: 'rolled_back' })
    expect(await preview({ releaseId })).toMatchObject({
      alreadyRunning: 1,
      reached: DEVICES - 2,
      missed: [{ reason: 'failed-on-this-device', devices: 1 }],
    })
  })

  test('is worked out for ten at a time, and whoever else asks is told when to come again', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask({})))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.map((answer) => `${problemOf(answer)} ${String(answer.headers['retry-after'])}`)).toEqual(
      Array(2).fill('429 too-many-requests 5'),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    expect((await ask({})).status).toBe(200)
  })

  describe('refuses', () => {
    test.each<[Record<string, unknown>, string]>([
      [{ channel: 'nowhere' }, '404 channel-not-found'],
      [{ platform: 'web' }, '404 platform-not-found'],
      [{ releaseId: '01970000-0000-7000-8000-000000000009' }, '404 release-not-found'],
      [{ nativeRange: '>= two' }, '400 invalid-request'],
      [{ rules: [{ attribute: 'osVersion', range: '?' }] }, '400 invalid-request'],
      [{ percentage: 100.5 }, '400 invalid-request'],
      [{ what: 1 }, '400 invalid-request'],
    ])('%j', async (body, expected) => {
      expect(problemOf(await ask(body))).toBe(expected)
    })
  })

  describe('of what is not published yet', () => {
    /** Clients of several dialects, each of which takes what others do not. */
    beforeEach(async () => {
      app = await server.createTestApp({ platforms: ['android', 'linux', 'macos'], checkAccess: 'open' })
      const ask = (method: 'GET' | 'POST', path: string, more: object) =>
        server.request(method, path, { token: null, ...more })
      const kit = (id: string, platform: string, architecture: string) =>
        ask('GET', `/apps/${app.slug}/personal-kit/production/latest.json`, {
          headers: { 'x-install-id': id, 'x-kit-platform': platform, 'x-kit-architecture': architecture },
        })
      const installed = (id: string, platform: string, architecture: string) =>
        ask('POST', `/apps/${app.slug}/api/updates/check`, {
          body: { platform, current_version: '2.0.0', device_id: id, architecture },
        })
      const expo = (id: string, more: object = {}) =>
        ask('GET', `/expo/${app.slug}/manifest`, {
          headers: {
            'expo-protocol-version': '1',
            'expo-platform': 'android',
            'expo-runtime-version': '1',
            'expo-channel-name': 'production',
            'eas-client-id': id,
            accept: 'multipart/mixed',
            ...more,
          },
        })
      await Promise.all([
        kit('kit-arm', 'linux', 'arm64'),
        kit('kit-intel', 'linux', 'x86_64'),
        kit('kit-mac', 'macos', 'arm64'),
        installed('app-linux', 'linux', 'x64'),
        installed('app-mac', 'macos', 'arm64'),
        expo('expo'),
        expo('expo-verifying', { 'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"' }),
        ask('POST', `/apps/${app.slug}/api/v1/updates/check`, {
          body: { projectId: app.slug, platform: 'android', deviceId: 'assets', nativeVersion: '1.0' },
        }),
        server.check(app, { deviceId: 'engine', nativeVersion: '2.0' }),
      ])
    })

    const reachOf = async (body: Record<string, unknown>) => {
      const { devices, reached, missed } = await preview({ platform: 'any', ...body })
      expect(devices).toBe(9)
      return { reached, ...Object.fromEntries(missed.map(({ reason, devices }) => [reason, devices])) }
    }
    const file = (platform: string, architecture: string, more: object) => ({ platform, architecture, ...more })

    test('kits reach machines that have a file of each component', async () => {
      expect(await reachOf({ kind: 'kit' })).toEqual({ reached: 3, 'kind-not-taken': 6 })
      const gateway = file('linux', 'x86_64', { component: 'gateway' })
      const web = file('any', 'any', { component: 'web' })
      const files = [gateway, web]
      expect(await reachOf({ kind: 'kit', files })).toEqual({ reached: 1, 'kind-not-taken': 6, 'form-not-taken': 2 })
      files.push(file('macos', 'any', { component: 'gateway' }))
      expect(await reachOf({ kind: 'kit', files })).toEqual({ reached: 2, 'kind-not-taken': 6, 'form-not-taken': 1 })
    })

    test('whole apps reach those for whom there is a newer file', async () => {
      expect(await reachOf({ kind: 'binary' })).toEqual({ reached: 2, 'kind-not-taken': 7 })
      const files = [file('linux', 'x86_64', { format: 'deb' })]
      const none = { 'kind-not-taken': 7 }
      expect(await reachOf({ kind: 'binary', version: '2.1.0', files })).toEqual({
        reached: 1,
        'form-not-taken': 1,
        ...none,
      })
      expect(await reachOf({ kind: 'binary', version: '2.0.0' })).toEqual({ reached: 0, 'not-newer': 2, ...none })
      const { reached } = await preview({ platform: 'macos', kind: 'binary', version: '2.1.0', files })
      expect(reached).toBe(0)
    })

    test('files reach the clients of what made them, and what is signed those who verify it', async () => {
      expect(await reachOf({ kind: 'files' })).toEqual({ reached: 1, 'form-not-taken': 2, 'kind-not-taken': 6 })
      const exported = { kind: 'files', exportedBy: 'expo', runtimeVersion: '1' }
      const { reached, missed } = await preview({ platform: 'android', ...exported })
      expect(reached).toBe(1)
      expect(missed).toContainEqual(expect.objectContaining({ reason: 'answer-not-signed', devices: 1 }))
      expect(await preview({ platform: 'android', ...exported, answerKeyIds: ['main'] })).toMatchObject({ reached: 2 })
    })

    test('archives reach nobody of the others', async () => {
      expect(await reachOf({ kind: 'archive' })).toEqual({ reached: 1, 'kind-not-taken': 8 })
    })
  })

  test('of what goes back to embedded: who runs it already is not reached', async () => {
    const place = { platform: 'android', channel: 'production' }
    const at = `/manage/v1/apps/${app.slug}/rollouts/preview`
    const { body } = await server.request('POST', at, { body: { ...place, to: 'embedded' } })
    expect(body).toMatchObject({ devices: DEVICES, reached: 0, alreadyRunning: DEVICES })
    const { releaseId } = await server.published(app, { bundle })
    const both = { ...place, to: 'embedded', releaseId }
    expect(problemOf(await server.request('POST', at, { body: both }))).toBe('400 invalid-request')
  })
})
