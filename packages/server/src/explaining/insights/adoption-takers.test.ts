import type { Adoption, App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { keyIdOfPublicKey } from '../../shipping/signing/signing-keys.ts'
import type { Database } from '../../ground/database/schema.ts'
import { aDeviceRow } from '../../fleet/recording/testing/fixtures.ts'
import { MAX_JUDGED } from '../known-devices/known-devices.ts'

const FAR = 1_500_000

describeOnEveryDatabase('whom a rollout is for, in its adoption', (openDatabase, kind) => {
  const clock = fixedClock()
  const key = newSigningKey()
  const [trusted, stranger] = [key, newSigningKey()].map(({ publicKey }) => keyIdOfPublicKey(publicKey))
  let database: Database
  let server: TestServer
  let app: App
  let bundle: Buffer

  beforeAll(async () => {
    database = await openDatabase()
    server = await startTestServer({ database, clock })
    bundle = await bundleOf('one')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  /** Checks of so many devices, which are known from then on. */
  async function fleet(name: string, count: number, told: Record<string, unknown>) {
    for (let index = 0; index < count; index++) {
      const { status } = await server.check(app, { deviceId: `${name}-${index}`, version: '0.9.0', ...told })
      expect(status).toBe(200)
    }
  }
  const trusts = (highestSequence: number, floor = 0) => ({ highestSequence, floor, trustedKeys: [trusted] })
  const adoptionOf = async (rolloutId: string): Promise<Adoption> =>
    (await server.request('GET', `/manage/v1/apps/${app.slug}/insights/rollouts/${rolloutId}/adoption`)).body
  const counts = (reasons: { reason: string; devices: number }[]) =>
    Object.fromEntries(reasons.map(({ reason, devices }) => [reason, devices]))

  test('says by reason how many would refuse it, and how many wait for another binary', async () => {
    const requirement = { minNativeVersion: '2.0.0' }
    const content = { appId: app.id, platform: 'android', version: '1.0.0', bundle } as const
    const shell = { nativeVersion: '2.1.0' }
    await fleet('fits', 3, { ...trusts(FAR - 10), ...shell })
    await fleet('passed-it', 4, { ...trusts(FAR + 1), ...shell })
    await fleet('floor', 2, { ...trusts(FAR - 10, FAR + 1), ...shell })
    await fleet('other-key', 5, { ...trusts(FAR - 10), trustedKeys: [stranger], ...shell })
    await fleet('too-far', 1, { ...trusts(0), ...shell })
    await fleet('old-shell', 6, { ...trusts(FAR - 10), nativeVersion: '1.0.0' })
    await fleet('old-shell-and-key', 1, { ...trusts(FAR - 10), trustedKeys: [stranger], nativeVersion: '1.0.0' })
    await fleet('elsewhere', 2, { ...trusts(FAR - 10), channel: 'beta', ...shell })
    await fleet('silent', 2, shell)
    const first = signRelease(key, { ...content, sequence: FAR / 2, version: '0.1.0' }, { requirement })
    await server.published(app, { bundle, version: '0.1.0', ...requirement, signatures: first, percentage: 0 })
    const signatures = signRelease(key, { ...content, sequence: FAR }, { requirement })
    const { rolloutId, releaseId } = await server.published(app, { bundle, ...requirement, signatures })
    await server.check(app, { deviceId: 'fits-0', version: '0.9.0', ...trusts(FAR - 10), ...shell })
    await server.report(app, { deviceId: 'fits-0', releaseId, status: 'confirmed' })
    const { takers } = await adoptionOf(rolloutId)
    expect(takers).toMatchObject({ audience: 24, canTake: 5, left: 4, untold: 2, judged: 26, isSample: false })
    expect(counts(takers?.refuse ?? [])).toEqual({
      'key-not-trusted': 6,
      'below-high-water': 4,
      'below-device-floor': 2,
      'sequence-too-far': 1,
    })
    expect(takers?.refuse[0]).toEqual({
      reason: 'key-not-trusted',
      devices: 6,
      explanation: 'It is signed by a key that the app on the device does not hold.',
    })
    expect(counts(takers?.needOtherBinary ?? [])).toEqual({ 'native-too-old': 6 })

    const csv = await server.request(
      'GET',
      `/manage/v1/apps/${app.slug}/insights/rollouts/${rolloutId}/adoption?format=csv`,
    )
    const rows = parse(csv.body as string, { columns: true }) as Record<string, string>[]
    expect(rows.at(-1)).toMatchObject({
      audience_now_devices: '24',
      can_take_now_devices: '5',
      below_high_water_now_devices: '4',
      below_device_floor_now_devices: '2',
      key_not_trusted_now_devices: '6',
      not_signed_now_devices: '0',
      sequence_too_far_now_devices: '1',
      need_other_binary_now_devices: '6',
      judged_now_devices: '26',
    })
  })

  test('says it of what is not signed, also while it is paused', async () => {
    await fleet('signed-only', 3, trusts(0))
    await fleet('checks-none', 2, { ...trusts(0), trustedKeys: [] })
    const { rolloutId } = await server.published(app, { bundle })
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/pause`)
    const { takers } = await adoptionOf(rolloutId)
    expect(takers).toMatchObject({ audience: 5, canTake: 0, refuse: [{ reason: 'not-signed', devices: 3 }] })
  })

  test.runIf(kind === 'sqlite')('says that a fleet too large to be looked at is judged by a sample', async () => {
    const row = aDeviceRow({ app_id: app.id, trusted_keys: JSON.stringify([trusted]), high_water: 0, device_floor: 0 })
    for (let start = 0; start < MAX_JUDGED + 1_000; start += 500) {
      const rows = Array.from({ length: 500 }, (_, index) => ({ ...row, device_id: `device-${start + index}` }))
      await database.insertInto('device').values(rows).execute()
    }
    const { rolloutId } = await server.published(app, { bundle })
    const { takers } = await adoptionOf(rolloutId)
    expect(takers).toMatchObject({ judged: MAX_JUDGED, isSample: true, audience: MAX_JUDGED, canTake: 0 })
    expect(takers?.refuse).toMatchObject([{ reason: 'not-signed', devices: MAX_JUDGED }])
  })
})
