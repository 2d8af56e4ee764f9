import type { App, Guard, PublishedRelease } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, fixedClock, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDeviceCredentials } from './device-proof.ts'

const SECRET = 'the secret of all servers in tests'

describeOnEveryDatabase('a credential of an installation', (openDatabase) => {
  const clock = fixedClock()
  let server: TestServer
  let app: App
  let release: PublishedRelease

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase(), clock })
  })
  afterAll(() => server.close())

  const post = (path: string, body: object, token?: string) =>
    server.request('POST', path, {
      body: { appId: app.id, platform: 'android', ...body },
      token: null,
      headers: { 'x-app-key': app.appKey, ...(token && { 'x-device-token': token }) },
    })
  const register = (deviceId: string) => post('/devices', { deviceId, version: '0.9.0', credential: true })
  const tokenOf = async (deviceId: string): Promise<string> => (await register(deviceId)).body.deviceToken
  const check = (deviceId: string, token?: string) => post('/update/check', { deviceId, version: '0.9.0' }, token)
  const report = (deviceId: string, status: string, token?: string) =>
    post('/installations', { deviceId, version: '1.0.0', status }, token)
  const figures = async (): Promise<Guard['figures']> => {
    await server.request('GET', `/manage/v1/apps/${app.slug}/devices?limit=1`)
    return (await server.request('GET', `/manage/v1/rollouts/${release.rolloutId}/guard`)).body.figures
  }
  const begin = async (deviceCredentials: string) => {
    app = await server.createTestApp({ deviceIds: 'hashed', deviceCredentials, trust: { observedMinutes: 0 } })
    release = await server.published(app, { bundle: await bundleOf('1.0.0'), version: '1.0.0' })
  }

  describe('that the app requires', () => {
    beforeEach(() => begin('required'))

    test('is given to whoever registers the device first, and to nobody after', async () => {
      expect(await tokenOf('phone')).toMatch(/^hpd_[\w-]{32}$/)
      expect((await register('phone')).body).toEqual({ registered: true, deviceId: 'phone', deviceToken: null })
      expect((await post('/devices', { deviceId: 'other', version: '0.9.0' })).body).toEqual({
        registered: true,
        deviceId: 'other',
      })
    })

    test('makes what the device says count', async () => {
      const token = await tokenOf('phone')
      expect((await check('phone', token)).body.version).toBe('1.0.0')
      await report('phone', 'rolled_back', token)
      expect(await figures()).toMatchObject({ sample: 1, bad: 1, leftOut: { devices: 0, unprovenReports: 0 } })
    })

    test.each([
      ['none', () => undefined],
      ['a made-up one', () => 'hpd_00000000000000000000000000000000'],
      ["another phone's", () => tokenOf('thief')],
    ])('with %s a report decides nothing, keeps no release from the device, and is seen', async (_which, shown) => {
      const token = await tokenOf('phone')
      const other = await shown()
      await check('phone', token)
      expect((await report('phone', 'rolled_back', other)).status).toBe(200)
      await check('phone', other)
      expect(await figures()).toMatchObject({ sample: 0, bad: 0, leftOut: { unprovenReports: 1 } })
      expect((await check('phone', token)).body.version).toBe('1.0.0')
      const of = `/manage/v1/apps/${app.slug}/devices/phone`
      expect((await server.request('GET', of)).body.events).toContainEqual(
        expect.objectContaining({ kind: 'rolled-back' }),
      )
      // Nor does it stand where the device's own report is to come.
      await report('phone', 'rolled_back', token)
      expect(await figures()).toMatchObject({ sample: 1, bad: 1 })
    })

    test('is needed to change what the server knows of a device, and not to ask', async () => {
      const token = await tokenOf('phone')
      await check('phone', token)
      const of = `/manage/v1/apps/${app.slug}/devices/phone`
      const before = (await server.request('GET', of)).body
      const answer = await post('/update/check', {
        deviceId: 'phone',
        version: '0.1.0',
        channel: 'beta',
        model: 'forged',
        highestSequence: 1_000_000,
      })
      expect(answer.status).toBe(200)
      expect((await server.request('GET', of)).body).toEqual(before)
    })
  })

  describe('that the app makes optional', () => {
    beforeEach(() => begin('optional'))

    test('protects those that have one, and the others count as ever', async () => {
      const token = await tokenOf('phone')
      for (const [deviceId, shown] of [['phone', token] as const, ['old-phone', undefined] as const]) {
        await check(deviceId, shown)
        await report(deviceId, 'confirmed', shown)
      }
      await report('phone', 'rolled_back')
      await report('old-phone', 'rolled_back')
      expect(await figures()).toMatchObject({ sample: 2, bad: 1, leftOut: { unprovenReports: 1 } })
    })
  })

  test('is not issued where it is off', async () => {
    await begin('off')
    expect((await register('phone')).body).toEqual({ registered: true, deviceId: 'phone' })
  })
})

test('no id that a device chooses, and no other app, has the credential of another device', () => {
  const proofs = createDeviceCredentials({ secret: SECRET })
  const [one, other] = [{ id: 'app-1', deviceIds: 'hashed' } as const, { id: 'app-2', deviceIds: 'hashed' } as const]
  const token = proofs.issue(one, 'h_abc')
  expect(proofs.isShown(one, 'h_abc', token)).toBe(true)
  expect(proofs.isShown(other, 'h_abc', token)).toBe(false)
  expect(proofs.isShown(one, 'h_abd', token)).toBe(false)
  expect(proofs.isShown(one, 'h_abc', '')).toBe(false)
  const others = createDeviceCredentials({ secret: `${SECRET} of others` })
  expect(others.isShown(one, 'h_abc', token)).toBe(false)
})
