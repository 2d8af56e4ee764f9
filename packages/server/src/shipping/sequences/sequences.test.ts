import type { App, NextSequence } from '@hotpatch/api'
import { MAX_SEQUENCE_STEP } from '@hotpatch/protocol'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  problemOf,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('the next sequence', (openDatabase) => {
  const clock = fixedClock()
  const key = newSigningKey()
  let db: Database
  let server: TestServer
  let app: App

  beforeAll(async () => {
    db = await openDatabase()
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
    await publish('1.0.0', 17)
  })

  async function publish(version: string, sequence: number) {
    const bundle = await bundleOf(version)
    const signatures = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
    return server.publish(app, { bundle, version, signatures })
  }
  const at = (platform = 'android') => `/manage/v1/apps/${app.slug}/sequence?platform=${platform}`
  async function next(platform?: string): Promise<NextSequence> {
    // A device's page is shown when what it told is written.
    await server.request('GET', `/manage/v1/apps/${app.slug}/devices/d-0`)
    return (await server.request('GET', at(platform))).body
  }
  const set = (nextSequence: number, platform = 'android', token?: string) =>
    server.request('PUT', `/manage/v1/apps/${app.slug}/sequence`, {
      body: { platform, nextSequence },
      ...(token !== undefined && { token }),
    })
  async function tell(highestSequence: number, count: number, { prefix = 'd', ...more } = {}) {
    for (let index = 0; index < count; index += 1) {
      await server.check(app, { deviceId: `${prefix}-${index}`, version: '1.0', highestSequence, ...more })
    }
  }
  /** As after a restore: known for longer than a day, and they come back with what they confirmed meanwhile. */
  async function known(count: number, prefix = 'd') {
    await tell(17, count, { prefix })
    await next()
    clock.advance(2 * DAY_MS)
  }

  test('is the one after what was taken, while no device has seen more', async () => {
    await known(5)
    expect(await next()).toEqual({ platform: 'android', nextSequence: 18, taken: 17, told: null })
  })

  test('is above what several devices that were known have confirmed elsewhere', async () => {
    await known(5)
    await tell(19, 5)
    await tell(20, 2)
    // Three still say 19, and the two of 20 have come past it.
    expect(await next()).toEqual({
      platform: 'android',
      nextSequence: 20,
      taken: 17,
      told: { sequence: 20, devices: 5, believed: 19 },
    })
  })

  test('does not believe what a few say, and says that they say it', async () => {
    await known(5)
    await tell(20, 2)
    expect(await next()).toMatchObject({ nextSequence: 18, told: { sequence: 20, devices: 2, believed: null } })
  })

  test('does not believe devices that came a moment ago, however many they are', async () => {
    await known(5)
    await tell(20, 60, { prefix: 'invented' })
    expect(await next()).toMatchObject({ nextSequence: 18, told: { devices: 60, believed: null } })
  })

  test('does not believe one network, however many devices it has', async () => {
    await known(5)
    await tell(20, 5)
    const moveTo = (network: string, deviceId?: string) =>
      db
        .updateTable('device')
        .set({ network })
        .where('app_id', '=', app.id)
        .$if(deviceId !== undefined, (devices) => devices.where('device_id', '=', deviceId ?? ''))
        .execute()
    await next()
    await moveTo('office')
    expect(await next()).toMatchObject({ nextSequence: 18, told: { devices: 5, believed: null } })
    await moveTo('home', 'd-0')
    expect(await next()).toMatchObject({ nextSequence: 21, told: { believed: 20 } })
  })

  test('takes no notice of what a restored backup cannot explain', async () => {
    await known(5)
    await tell(2 ** 50, 5)
    expect(await next()).toMatchObject({ nextSequence: 18, told: null })
  })

  test('needs a share of the fleet to be moved', async () => {
    await known(5)
    await known(900, 'many')
    await tell(20, 4)
    expect(await next()).toMatchObject({ nextSequence: 18, told: { believed: null } })
    await tell(20, 5)
    expect(await next()).toMatchObject({ nextSequence: 21, told: { believed: 20 } })
  })

  test('of another platform is not moved, that of any is', async () => {
    await known(5)
    await tell(20, 5)
    expect(await next('ios')).toMatchObject({ nextSequence: 1, told: null })
    expect(await next('any')).toMatchObject({ nextSequence: 21 })
  })

  test('is what publishing then takes, and what devices tell is settled by it', async () => {
    await known(5)
    await tell(20, 5)
    const { nextSequence } = await next()
    expect((await publish('1.1.0', nextSequence)).body.sequence).toBe(21)
    expect(await next()).toMatchObject({ nextSequence: 22, taken: 21, told: null })
  })

  test('can be raised by a person, never lowered, and no further than devices follow', async () => {
    expect((await set(21)).body).toMatchObject({ platform: 'android', nextSequence: 21, taken: 20 })
    expect(problemOf(await set(20))).toBe('409 sequence-taken')
    expect(problemOf(await publish('1.1.0', 18))).toBe('409 sequence-taken')
    expect((await set(21)).status).toBe(200)
    expect(problemOf(await set(21 + MAX_SEQUENCE_STEP))).toBe('400 invalid-request')
    expect((await set(20 + MAX_SEQUENCE_STEP)).body.taken).toBe(19 + MAX_SEQUENCE_STEP)
    const { items } = (await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=app.sequence-raised`)).body
    expect(items).toHaveLength(2)
    expect(items[1]).toMatchObject({
      before: { platform: 'android', nextSequence: 18 },
      after: { platform: 'android', nextSequence: 21 },
    })
  })

  test('is raised by administrators only, and for a platform that the app has', async () => {
    const publisher = await server.createToken({ role: 'publisher' })
    expect(problemOf(await set(21, 'android', publisher))).toBe('403 forbidden')
    expect(problemOf(await set(21, 'web'))).toBe('404 platform-not-found')
  })
})
