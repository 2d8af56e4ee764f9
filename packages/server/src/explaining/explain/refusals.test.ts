import type { App, Explanation } from '@hotpatch/api'
import {
  keyIdOf,
  writeReleaseStatement,
  type NewReleaseStatement,
  STATED_EMBEDDED,
  statedArchive,
} from '@hotpatch/protocol'
import {
  bundleOf,
  fixedClock,
  newSigningKey,
  signRelease,
  signStatement,
  startTestServer,
  type TestSigningKey,
  sha256Of,
} from '@hotpatch/testkit'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const clock = fixedClock()
const server = await startTestServer({ clock })
afterAll(() => server.close())
const bundle = await bundleOf('one')
const key = newSigningKey()
const spare = newSigningKey()
const idOf = ({ publicKey }: TestSigningKey) => keyIdOf(sha256Of(Buffer.from(publicKey, 'base64')))

let app: App
beforeEach(async () => {
  app = await server.createTestApp()
})

async function publish(
  version: string,
  sequence: number,
  { by = key, ...changes }: Record<string, unknown> & { by?: TestSigningKey } = {},
) {
  const signatures = signRelease(by, { appId: app.id, platform: 'android', version, sequence, bundle })
  return server.published(app, { version, bundle, signatures, ...changes })
}
async function rollBack(to: unknown, signed: object = {}, channel = 'production') {
  const body = { platform: 'android', channel, to, ...signed }
  const { status, body: rollout } = await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
  expect(status).toBe(201)
  return rollout
}
function order(sequence: number, changes: Partial<NewReleaseStatement> = {}) {
  const content = { appId: app.id, platform: 'android', ...STATED_EMBEDDED, sequence } as const
  const rest = { floor: 0, requirement: {}, createdAt: '2027-01-01T00:00:00.000Z' }
  return signStatement(key, writeReleaseStatement({ ...content, ...rest, ...changes }))
}
const halt = (rolloutId: string) => server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
/** As our own SDK checks. */
const check = async (highestSequence: number, changes: Record<string, unknown> = {}) =>
  (await server.check(app, { highestSequence, trustedKeys: idOf(key), nativeVersion: '1.0', ...changes })).body
const explain = async (query = ''): Promise<Explanation> =>
  (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1/explain${query}`)).body
const changes = async (release: string) => (await explain(`?release=${release}`)).towards?.changes

describe('a device that would refuse a release is not offered it, and explain says why', () => {
  test('after a halted roll-back to embedded: what has been confirmed since is higher', async () => {
    await publish('1.1.0', 1)
    const { id } = await rollBack('embedded', order(2))
    await halt(id)
    expect(await check(2)).toMatchObject({ updateAvailable: false, reason: 'below-high-water' })
    expect(await check(1)).toMatchObject({ updateAvailable: true, version: '1.1.0' })
    await check(2)

    const explanation = await explain()
    expect(explanation.decision).toMatchObject({
      kind: 'up-to-date',
      reason: 'below-high-water',
      explanation: 'The device has confirmed sequence 2 already, and refuses lower ones: 1.1.0 is signed as 1.',
      waysOut: ['State it again, under the next sequence: hotpatch rollback --version 1.1.0 --platform android'],
    })
    expect(explanation.device.trust).toEqual({
      highWater: 2,
      floor: 0,
      keyIds: [idOf(key)],
      heldReleaseId: null,
      builtAt: null,
    })
    expect(await changes('1.1.0')).toEqual([
      'State it again, under the next sequence: hotpatch rollback --version 1.1.0 --platform android',
    ])
    // And that is the way out.
    const stated = order(3, {
      target: 'release',
      version: '1.1.0',
      ...statedArchive({ sha256: sha256Of(bundle), sizeBytes: bundle.length }),
    })
    await rollBack({ version: '1.1.0' }, stated)
    expect((await explain()).decision).toMatchObject({ kind: 'update', version: '1.1.0' })
    expect(await check(2)).toMatchObject({ updateAvailable: true, version: '1.1.0' })
  })

  test('after a restored backup: the server goes on from a sequence that the device has passed', async () => {
    await publish('1.0.0', 17)
    await publish('1.1.0', 18)
    expect(await check(20)).toMatchObject({ updateAvailable: false, reason: 'below-high-water' })
    expect((await explain()).decision).toMatchObject({
      explanation: 'The device has confirmed sequence 20 already, and refuses lower ones: 1.1.0 is signed as 18.',
      waysOut: [
        'Raise the next sequence of the server, which is 19 as if an older backup had been restored: ' +
          `hotpatch apps set ${app.slug} --platform android --next-sequence 21`,
        'State it again, under the next sequence: hotpatch rollback --version 1.1.0 --platform android',
      ],
    })
  })

  test('a key that its binary does not hold', async () => {
    await publish('1.0.0', 1)
    await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body: { publicKey: spare.publicKey } })
    await publish('1.1.0', 2, { by: spare })
    // The next lower one that it can take.
    expect(await check(0)).toMatchObject({ updateAvailable: true, version: '1.0.0' })
    expect(await check(0, { trustedKeys: idOf(spare) })).toMatchObject({ version: '1.1.0' })
    await check(0)
    const explanation = await explain('?release=1.1.0')
    expect(explanation.decision).toMatchObject({ kind: 'update', version: '1.0.0' })
    expect(explanation.rollouts[0]?.verdicts).toContainEqual({
      rule: 'D11',
      passed: false,
      reason: 'key-not-trusted',
      explanation: `1.1.0 is signed by the key ${idOf(spare)}, and the app on the device holds only ${idOf(key)}.`,
    })
    expect(explanation.towards?.changes).toEqual([
      `Publish it under a new version, signed by a key that the app on the device holds (only ${idOf(key)}): ` +
        `hotpatch release --key FILE. Or bring out a binary that holds the key ${idOf(spare)}.`,
    ])
  })

  test('nothing signed', async () => {
    await server.published(app, { version: '1.0.0', bundle })
    expect(await check(0)).toMatchObject({ updateAvailable: false, reason: 'not-signed' })
    expect((await explain()).decision).toMatchObject({
      explanation: 'The app on the device takes signed releases only, and 1.0.0 is not signed.',
      waysOut: [expect.stringMatching(/^Publish it signed/)],
    })
    // Without keys it looks at nothing.
    expect(await check(9, { trustedKeys: '' })).toMatchObject({ updateAvailable: true })
  })

  test('a tester who comes back from beta', async () => {
    await server.request('POST', `/manage/v1/apps/${app.slug}/channels`, { body: { name: 'night' } })
    await publish('1.2.0', 17)
    const { releaseId } = await publish('1.3.0', 20, { channel: 'night' })
    await check(20, { channel: 'night', releaseId })
    expect(await check(20, { releaseId })).toMatchObject({ updateAvailable: false, reason: 'below-high-water' })
    expect((await explain()).decision).toMatchObject({
      explanation: 'The device has confirmed sequence 20 already, and refuses lower ones: 1.2.0 is signed as 17.',
      waysOut: ['State it again, under the next sequence: hotpatch rollback --version 1.2.0 --platform android'],
    })
    expect(await changes('1.2.0')).toHaveLength(1)
  })

  test('below a floor that the device has taken', async () => {
    await publish('1.0.0', 5)
    expect(await check(5, { floor: 6 })).toMatchObject({ reason: 'below-device-floor' })
    expect((await explain()).decision.explanation).toMatch(/refuses what is below 6: 1\.0\.0 is signed as 5\./)
    await rollBack('embedded')
    expect(await check(5, { floor: 6, releaseId: 'another' })).not.toHaveProperty('rollBackTo')
    expect(await check(5, { floor: 0, releaseId: 'another' })).toMatchObject({ rollBackTo: 'embedded' })
  })

  test('taken back, with a floor that keeps it from embedded', async () => {
    const { releaseId, rolloutId } = await publish('1.0.0', 5)
    await halt(rolloutId)
    expect(await check(5, { floor: 5, releaseId })).toMatchObject({ reason: 'below-device-floor' })
    expect((await explain()).decision).toMatchObject({
      explanation: expect.stringMatching(/^What it runs was taken back/),
      waysOut: ['Sign it: hotpatch rollback --to embedded --platform android'],
    })
  })

  test('too far above', async () => {
    await publish('1.0.0', 900_000)
    const { rolloutId } = await publish('1.1.0', 1_900_000)
    expect(await check(0)).toMatchObject({ version: '1.0.0' })
    await halt(rolloutId)
    await publish('1.2.0', 1_900_001, { channel: 'beta' })
    expect(await check(0, { channel: 'beta' })).toMatchObject({ reason: 'sequence-too-far' })
    expect((await explain()).decision).toMatchObject({
      explanation: expect.stringMatching(/lets a sequence rise by 1000000 at once\.$/),
      waysOut: [expect.stringMatching(/^Have a release in between on beta, with a sequence from 900001 to 1000000/)],
    })
  })

  test('a binary that is newer than what was published for none in particular', async () => {
    const { releaseId } = await publish('1.1.0', 1)
    const built = { embeddedBuiltAt: Date.UTC(2027, 5, 1) }
    expect(await check(0, { embeddedBuiltAt: Date.UTC(2026, 0, 1) })).toMatchObject({ version: '1.1.0' })
    expect(await check(0, built)).toMatchObject({ updateAvailable: false, reason: 'older-than-binary' })
    const explanation = await explain('?release=1.1.0')
    expect(explanation.decision).toMatchObject({
      reason: 'older-than-binary',
      explanation: expect.stringMatching(
        /^The app on the device was built 2027-06-01T00:00:00.000Z, after 1\.1\.0 was signed \(202\d-/,
      ),
      waysOut: ['State it again, if it is for this binary, too: hotpatch rollback --version 1.1.0 --platform android'],
    })
    expect(explanation.towards?.changes).toEqual(explanation.decision.waysOut)
    // It keeps what it runs.
    expect(await check(0, { ...built, releaseId })).toMatchObject({ reason: 'runs-the-target' })
    const content = statedArchive({ sha256: sha256Of(bundle), sizeBytes: bundle.length })
    const createdAt = '2027-06-01T00:00:00.000Z'
    await rollBack({ version: '1.1.0' }, order(2, { target: 'release', version: '1.1.0', ...content, createdAt }))
    expect(await check(0, built)).toMatchObject({ updateAvailable: true, version: '1.1.0' })
  })

  test('what it told last stands where its client tells nothing, but for the check itself', async () => {
    await publish('1.0.0', 5)
    await check(9)
    expect((await server.check(app)).body).toMatchObject({ updateAvailable: true })
    expect((await explain()).decision.reason).toBe('below-high-water')
  })

  test('the reasons are counted by the hour', async () => {
    await publish('1.0.0', 5)
    await check(9)
    await explain()
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/reasons`)
    expect(JSON.stringify(body)).toContain('below-high-water')
  })
})

test('devices tell it with registrations and reports, too', async () => {
  const { releaseId } = await publish('1.0.0', 5)
  const builtAt = '2027-01-31T12:00:00.000Z'
  const built = { embeddedBuiltAt: Date.parse(builtAt) }
  const told = { highestSequence: 5, floor: 2, trustedKeys: [idOf(key)], heldReleaseId: releaseId, ...built }
  const headers = { 'x-app-key': app.appKey }
  const identity = { deviceId: 'device-1', platform: 'android' }
  const shown = async () => (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/device-1`)).body.trust
  await server.request('POST', '/devices', { headers, body: { ...identity, ...told } })
  expect(await shown()).toEqual({ highWater: 5, floor: 2, keyIds: [idOf(key)], heldReleaseId: releaseId, builtAt })
  const events = [{ id: 'e1', kind: 'confirmed', releaseId }]
  await server.request('POST', '/events', { headers, body: { ...identity, events, highestSequence: 7 } })
  expect(await shown()).toEqual({ highWater: 7, floor: 0, keyIds: [], heldReleaseId: null, builtAt: null })
  await server.request('POST', '/devices', { headers, body: identity })
  expect(await shown()).toMatchObject({ highWater: 7 })
})
