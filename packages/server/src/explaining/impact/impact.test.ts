import type { App, Impact, ImpactQuestion, PublishedRelease, Rollout } from '@hotpatch/api'
import { writeReleaseStatement, STATED_EMBEDDED } from '@hotpatch/protocol'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  fixedClock,
  newSigningKey,
  problemOf,
  publishBinary,
  signRelease,
  signStatement,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { anApk, makeSigner } from '@hotpatch/testkit/binaries'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { keyIdOfPublicKey } from '../../shipping/signing/signing-keys.ts'
import type { Database } from '../../ground/database/schema.ts'

const DEVICES = 30

describeOnEveryDatabase('what a change would do', (openDatabase) => {
  const key = newSigningKey()
  let db: Database
  let server: TestServer
  let app: App

  beforeAll(async () => {
    db = await openDatabase()
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, clock: fixedClock(), env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  async function publish(version: string, sequence: number, changes: Record<string, unknown> = {}) {
    const bundle = await bundleOf(version)
    const signatures = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
    return server.published(app, { bundle, version, signatures, ...changes })
  }
  /** Devices that run it, and have confirmed it under that sequence. */
  async function run(
    release: PublishedRelease | null,
    highestSequence: number,
    {
      count = DEVICES,
      prefix = 'd',
      keys = [key],
      ...more
    }: { count?: number; prefix?: string; keys?: { publicKey: string }[]; floor?: number; heldReleaseId?: string } = {},
  ) {
    const trustedKeys = keys.map(({ publicKey }) => keyIdOfPublicKey(publicKey))
    for (let index = 0; index < count; index += 1) {
      const runs = release ? { version: release.version, currentReleaseId: release.releaseId } : { version: '1.0' }
      const deviceId = `${prefix}-${index}`
      await server.check(app, { deviceId, nativeVersion: '1.0', ...runs, highestSequence, trustedKeys, ...more })
    }
  }
  const ask = (question: ImpactQuestion) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/impact`, { body: question })
  async function impactOf(question: ImpactQuestion): Promise<Impact> {
    const before = await dumpDecisions(db)
    const response = await ask(question)
    expect([response.status, await dumpDecisions(db)]).toEqual([200, before])
    return response.body as Impact
  }
  async function rollBackToEmbedded(sequence: number): Promise<Rollout> {
    const text = writeReleaseStatement({
      appId: app.id,
      platform: 'android',
      ...STATED_EMBEDDED,
      sequence,
      floor: 0,
      requirement: {},
      createdAt: '2027-01-01T00:00:00.000Z',
    })
    const body = { platform: 'android', channel: 'production', to: 'embedded', ...signStatement(key, text) }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })).body
  }

  test('a roll-back says who goes back, and from what to what', async () => {
    await publish('1.0.0', 1)
    const current = await publish('1.1.0', 2)
    await run(current, 2)
    const toRelease = { change: 'roll-back', platform: 'android', channel: 'production' } as const
    const signed = await impactOf({ ...toRelease, to: { version: '1.0.0' }, signedBy: key.publicKey })
    expect(signed).toEqual({
      devices: DEVICES,
      judged: DEVICES,
      isExact: true,
      changed: DEVICES,
      goBack: DEVICES,
      moves: [{ from: '1.1.0', to: '1.0.0', devices: DEVICES }],
      cannotTake: [],
      stranded: 0,
      strandedNow: 0,
      dropped: 0,
      untold: 0,
      wayOut: null,
    })
    // Not stated again, no device takes it.
    const unsigned = await impactOf({ ...toRelease, to: { version: '1.0.0' } })
    expect(unsigned).toMatchObject({ changed: 0, cannotTake: [{ reason: 'below-high-water', devices: DEVICES }] })
    const embedded = await impactOf({ ...toRelease, to: 'embedded', signedBy: key.publicKey, percentage: 50 })
    expect(embedded).toMatchObject({ isExact: false, moves: [{ from: '1.1.0', to: null }] })
    expect(embedded.goBack).toBe(embedded.changed)
  })

  test('installers go forward only: who has the newer version is counted, and who has what is offered is not', async () => {
    app = await server.createTestApp({ platforms: ['android'], checkAccess: 'open' })
    const signer = makeSigner('Ours')
    const publishApk = (version: string, versionCode: number) => {
      const files = [{ name: 'shop.apk', bytes: anApk({ signer, version, versionCode }), architecture: 'any' }]
      return publishBinary(server, app, { files, platform: 'android', version: `${version}+${versionCode}` })
    }
    await publishApk('1.1.0', 1)
    const newest = await publishApk('1.2.0', 2)
    const checkWith = async (version: string, device: string) => {
      const body = { platform: 'android', current_version: version, device_id: device, formats: ['apk'] }
      expect((await server.request('POST', `/apps/${app.slug}/api/updates/check`, { body })).status).toBe(200)
    }
    for (let index = 0; index < 7; index += 1) await checkWith('1.2.0+2', `new-${index}`)
    for (let index = 0; index < 3; index += 1) await checkWith('1.1.0+1', `old-${index}`)
    const place = { platform: 'android', channel: 'production' } as const
    const notNewer = (devices: number) => [{ reason: 'not-newer', explanation: expect.any(String), devices }]
    const back = await impactOf({ change: 'roll-back', ...place, to: { version: '1.1.0+1' } })
    expect(back).toMatchObject({ devices: 10, changed: 3, goBack: 0, cannotTake: notNewer(7) })
    const halted = await impactOf({ change: 'halt', rolloutId: newest.rolloutId })
    expect(halted).toMatchObject({ devices: 10, changed: 3, cannotTake: notNewer(7), stranded: 0 })
    // Paused, those who have it keep it, and nothing older is for them.
    expect(await impactOf({ change: 'pause', rolloutId: newest.rolloutId })).toMatchObject({
      changed: 3,
      cannotTake: [],
    })
  })

  test('undoing a roll-back to embedded says who is stranded, and the way out reaches them all', async () => {
    await publish('1.0.0', 1)
    const current = await publish('1.1.0', 2)
    const mistake = await rollBackToEmbedded(3)
    await run(null, 3)
    await run(current, 2, { count: 5, prefix: 'late' })
    const impact = await impactOf({ change: 'halt', rolloutId: mistake.id })
    expect(impact).toMatchObject({
      devices: DEVICES + 5,
      // Those who have not gone yet stay.
      moves: [{ from: null, to: '1.1.0', devices: 5 }],
      stranded: DEVICES,
      strandedNow: 0,
      cannotTake: [{ reason: 'below-high-water', devices: DEVICES }],
      wayOut: { releaseId: current.releaseId, version: '1.1.0', percentage: 100, sequence: 4, stranded: 0 },
    })
    // It is as it said.
    await server.request('POST', `/manage/v1/rollouts/${mistake.id}/halt`)
    const trust = { highestSequence: 3, trustedKeys: [keyIdOfPublicKey(key.publicKey)] }
    expect((await server.check(app, { deviceId: 'd-0', version: '1.0', ...trust })).body.updateAvailable).toBe(false)
    const again = await publishAgain(current, 4)
    expect((await server.check(app, { deviceId: 'd-0', version: '1.0', ...trust })).body).toMatchObject({
      updateAvailable: true,
      releaseId: again.releaseId,
    })
  })

  async function publishAgain({ version, releaseId }: PublishedRelease, sequence: number): Promise<Rollout> {
    const bundle = await bundleOf(version)
    const signed = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
    const { statement, statementSignature } = signed
    const body = { platform: 'android', channel: 'production', to: { releaseId }, statement, statementSignature }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })).body
  }

  test('halting a mistaken promotion strands those who confirmed it, unless they still hold what was before', async () => {
    const before = await publish('1.0.0', 1)
    const mistake = await publish('1.1.0', 2)
    await run(mistake, 2, { count: 10, prefix: 'holds', heldReleaseId: before.releaseId })
    await run(mistake, 2, { count: 7, prefix: 'new', floor: 1 })
    const impact = await impactOf({ change: 'halt', rolloutId: mistake.rolloutId })
    expect(impact).toMatchObject({
      goBack: 10,
      moves: [{ from: '1.1.0', to: '1.0.0', devices: 10 }],
      stranded: 7,
      wayOut: { version: '1.0.0', sequence: 3, stranded: 0 },
    })
    expect(await impactOf({ change: 'pause', rolloutId: mistake.rolloutId })).toMatchObject({ changed: 0, stranded: 0 })
  })

  test('halting a second mistake after the first says who falls to embedded, and the way out reaches them', async () => {
    const kept = await publish('1.0.0', 1)
    const first = await publish('1.1.0', 2)
    const second = await publish('1.2.0', 3)
    await run(second, 3)
    const stays = await impactOf({ change: 'halt', rolloutId: second.rolloutId })
    await server.request('POST', `/manage/v1/rollouts/${first.rolloutId}/halt`)
    const impact = await impactOf({ change: 'halt', rolloutId: second.rolloutId })
    // 1.0.0 is in force for all of them, and they have seen what is above it.
    const expected = {
      moves: [{ from: '1.2.0', to: null, devices: DEVICES }],
      cannotTake: [{ reason: 'below-high-water', devices: DEVICES }],
      stranded: 0,
      dropped: DEVICES,
    }
    expect(stays).toMatchObject({ ...expected, wayOut: { version: '1.1.0', sequence: 4, stranded: 0 } })
    expect(impact).toMatchObject({ ...expected, wayOut: { version: '1.0.0', sequence: 4, stranded: 0 } })
    // It is as it said.
    const again = await publishAgain(kept, 4)
    await server.request('POST', `/manage/v1/rollouts/${second.rolloutId}/halt`)
    const trust = { highestSequence: 3, trustedKeys: [keyIdOfPublicKey(key.publicKey)] }
    const runs = { deviceId: 'd-0', version: '1.2.0', currentReleaseId: second.releaseId }
    expect((await server.check(app, { ...runs, ...trust })).body).toMatchObject({ releaseId: again.releaseId })
  })

  test('a way out that not every device can take says how many it leaves', async () => {
    const stranger = newSigningKey()
    await publish('1.0.0', 1)
    const mistake = await publish('1.1.0', 2)
    await run(mistake, 2, { count: 4, floor: 1 })
    await run(mistake, 2, { count: 3, prefix: 'other', floor: 1, keys: [stranger] })
    const wayOutBy = async (signedBy?: string) =>
      (await impactOf({ change: 'halt', rolloutId: mistake.rolloutId, ...(signedBy && { signedBy }) })).wayOut
    expect(await wayOutBy()).toMatchObject({ version: '1.0.0', stranded: 3 })
  })

  test('promoting an older release says that it takes devices back', async () => {
    const old = await publish('1.0.0', 1)
    const current = await publish('1.1.0', 2)
    await run(current, 2)
    const promote = { change: 'promote', releaseId: old.releaseId, channel: 'production' } as const
    const taken = { changed: DEVICES, goBack: DEVICES, moves: [{ from: '1.1.0', to: '1.0.0' }] }
    expect(await impactOf({ ...promote, signedBy: key.publicKey })).toMatchObject(taken)
    expect(await impactOf(promote)).toMatchObject({ changed: 0, cannotTake: [{ reason: 'below-high-water' }] })
  })

  test('devices that never told what they take are counted as such, and taken at their checks', async () => {
    await publish('1.0.0', 1)
    const mistake = await publish('1.1.0', 2)
    for (let index = 0; index < 3; index += 1) {
      await server.check(app, { deviceId: `old-${index}`, version: '1.1.0', currentReleaseId: mistake.releaseId })
    }
    const impact = await impactOf({ change: 'halt', rolloutId: mistake.rolloutId })
    expect(impact).toMatchObject({ devices: 3, untold: 3, goBack: 3, stranded: 0 })
  })

  describe('of keys', () => {
    const other = newSigningKey()
    beforeEach(async () => {
      await publish('1.0.0', 1)
      await run(null, 1, { count: 6 })
      await run(null, 1, { count: 4, prefix: 'both', keys: [key, other] })
      await run(null, 1, { count: 2, prefix: 'none', keys: [] })
      await server.check(app, { deviceId: 'untold', version: '1.0' })
    })

    test('a new one is not held by binaries that were built before it', async () => {
      expect(await impactOf({ change: 'add-key', publicKey: other.publicKey })).toMatchObject({
        devices: 13,
        isExact: true,
        cannotTake: [{ reason: 'key-not-trusted', devices: 6 }],
        untold: 1,
      })
    })

    test('revoking one leaves those that hold no other', async () => {
      const added = await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, {
        body: { publicKey: other.publicKey },
      })
      const { items } = (await server.request('GET', `/manage/v1/apps/${app.slug}/keys`)).body
      const first = items.find(({ publicKey }: { publicKey: string }) => publicKey === key.publicKey)
      const impact = (keyId: string) => impactOf({ change: 'revoke-key', keyId })
      expect(await impact(first.id)).toMatchObject({ cannotTake: [{ devices: 6 }], untold: 1 })
      expect(await impact(added.body.id)).toMatchObject({ cannotTake: [] })
    })
  })

  test('widening a rollout says whom it will reach further, and exactly: who is drawn is known', async () => {
    await publish('1.0.0', 1)
    const second = await publish('1.1.0', 2, { percentage: 0 })
    await run(null, 0)
    const { rolloutId } = second
    const ofAll = await impactOf({ change: 'change-audience', rolloutId, percentage: 100 })
    expect(ofAll).toMatchObject({
      isExact: true,
      changed: DEVICES,
      goBack: 0,
      moves: [{ from: '1.0.0', to: '1.1.0', devices: DEVICES }],
    })
    const ofSome = await impactOf({ change: 'change-audience', rolloutId, devices: ['d-1', 'd-2', 'stranger'] })
    expect(ofSome).toMatchObject({ isExact: true, changed: 2 })
    const half = await impactOf({ change: 'change-audience', rolloutId, percentage: 50 })
    await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage: 50 } })
    let reached = 0
    for (let index = 0; index < DEVICES; index += 1) {
      const { body } = await server.check(app, { deviceId: `d-${index}`, nativeVersion: '1.0' })
      if (body.version === '1.1.0') reached += 1
    }
    expect(reached).toBe(half.changed)
  })

  test('ending an A/B test says who moves to the winner, or away from all arms', async () => {
    const one = await publish('1.0.0', 1, { percentage: 0 })
    const two = await publish('1.1.0', 2, { percentage: 0 })
    const arm = (name: string, releaseId: string) => ({ name, weight: 50, releaseId })
    const body = { name: 'T', channel: 'production', arms: [arm('A', one.releaseId), arm('B', two.releaseId)] }
    const { body: experiment } = await server.request('POST', `/manage/v1/apps/${app.slug}/experiments`, { body })
    await run(two, 2, { count: 4 })
    const end = { change: 'finish-experiment', experimentId: experiment.id } as const
    expect(await impactOf({ ...end, winner: 'B' })).toMatchObject({ devices: 4, changed: 0 })
    expect(await impactOf({ ...end, winner: null })).toMatchObject({ devices: 4 })
    expect(problemOf(await ask({ ...end, winner: 'C' }))).toBe('400 invalid-request')
  })

  test('what is not there is refused', async () => {
    const { rolloutId } = await publish('1.0.0', 1)
    const refused = async (question: ImpactQuestion) => problemOf(await ask(question))
    const id = '01970000-0000-7000-8000-00000000dead'
    const place = { platform: 'android', channel: 'production' } as const
    expect(await refused({ change: 'halt', rolloutId: id })).toBe('404 rollout-not-found')
    expect(await refused({ change: 'step-back', rolloutId: id })).toBe('404 rollout-not-found')
    expect(await refused({ change: 'change-audience', rolloutId: id, percentage: 1 })).toBe('404 rollout-not-found')
    const finish = { change: 'finish-experiment', experimentId: id, winner: null } as const
    expect(await refused(finish)).toBe('404 experiment-not-found')
    expect(await refused({ change: 'revoke-key', keyId: id })).toBe('404 key-not-found')
    expect(await refused({ change: 'promote', releaseId: id, channel: 'beta' })).toBe('404 release-not-found')
    expect(await refused({ change: 'roll-back', ...place, to: { version: '9' } })).toBe('422 rollback-target-invalid')
    expect(await refused({ change: 'roll-back', ...place, channel: 'none', to: 'embedded' })).toBe(
      '404 channel-not-found',
    )
    expect(await refused({ change: 'explode', rolloutId } as never)).toBe('400 invalid-request')
    const elsewhere = await server.createTestApp()
    const asked = await server.request('POST', `/manage/v1/apps/${elsewhere.slug}/impact`, {
      body: { change: 'halt', rolloutId },
    })
    expect(problemOf(asked)).toBe('404 rollout-not-found')
  })
})
