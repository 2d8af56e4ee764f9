import type { App, Impact, SteppedBack } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  problemOf,
  sha256Of,
  signRelease,
  signStatement,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { statedArchive, writeReleaseStatement } from '@hotpatch/protocol'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { keyIdOfPublicKey } from '../../shipping/signing/signing-keys.ts'

describeOnEveryDatabase('a person who goes back from a rollout', (openDatabase) => {
  let server: TestServer
  let app: App

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase(), clock: fixedClock() })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const publish = async (version: string, changes: Record<string, unknown> = {}) =>
    server.published(app, { version, bundle: await bundleOf(version), ...changes })
  const stepBack = (id: string) => server.request('POST', `/manage/v1/rollouts/${id}/step-back`)
  const impactOf = async (rolloutId: string): Promise<Impact> =>
    (await server.request('POST', `/manage/v1/apps/${app.slug}/impact`, { body: { change: 'step-back', rolloutId } }))
      .body

  test('halts it and places what was before for the very same devices, as was foretold', async () => {
    const first = await publish('1.0.0')
    const second = await publish('1.1.0', { percentage: 100, cohorts: ['testers'] })
    await server.check(app, { version: '1.1.0', releaseId: second.releaseId })
    expect(await impactOf(second.rolloutId)).toMatchObject({
      devices: 1,
      changed: 1,
      goBack: 1,
      moves: [{ from: '1.1.0', to: '1.0.0', devices: 1 }],
    })
    const answer = await stepBack(second.rolloutId)
    expect(answer.status).toBe(200)
    const { rollout, placed } = answer.body as SteppedBack
    expect(rollout).toMatchObject({ id: second.rolloutId, state: 'halted' })
    expect(placed).toMatchObject({ releaseId: first.releaseId, cohorts: ['testers'], createdBy: 'owner' })
    const check = await server.check(app, { version: '1.1.0', releaseId: second.releaseId })
    expect(check.body).toMatchObject({ updateAvailable: true, version: '1.0.0' })
    expect(problemOf(await stepBack(second.rolloutId))).toBe('409 rollout-state')
  })

  test('goes by what its publisher has signed in advance, so that devices take it', async () => {
    const key = newSigningKey()
    const publishSigned = async (version: string, sequence: number, more: Record<string, string> = {}) => {
      const bundle = await bundleOf(version)
      const signed = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
      return server.published(app, { version, bundle, signatures: { ...signed, ...more } })
    }
    const first = await publishSigned('1.0.0', 1)
    const text = writeReleaseStatement({
      appId: app.id,
      platform: 'android',
      target: 'release',
      version: '1.0.0',
      sequence: 3,
      floor: 0,
      requirement: {},
      ...statedArchive({ sha256: sha256Of(await bundleOf('1.0.0')), sizeBytes: first.content.sizeBytes }),
      createdAt: '2027-01-01T00:00:00.000Z',
    })
    const { statement, statementSignature } = signStatement(key, text)
    const prepared = { rollbackStatement: statement, rollbackStatementSignature: statementSignature }
    const second = await publishSigned('1.1.0', 2, prepared)
    const runs = { version: '1.1.0', currentReleaseId: second.releaseId, highestSequence: 2 }
    const device = { ...runs, trustedKeys: [keyIdOfPublicKey(key.publicKey)] }
    await server.check(app, device)
    expect(await impactOf(second.rolloutId)).toMatchObject({ changed: 1, goBack: 1, cannotTake: [] })
    expect((await stepBack(second.rolloutId)).body).toMatchObject({ placed: { version: '1.0.0', sequence: 3 } })
    expect((await server.check(app, device)).body).toMatchObject({ updateAvailable: true, version: '1.0.0' })
  })

  test('with nothing before halts it, and devices go to what they shipped with', async () => {
    const { rolloutId, releaseId } = await publish('1.0.0')
    await server.check(app, { version: '1.0.0', releaseId })
    expect(await impactOf(rolloutId)).toMatchObject({ moves: [{ from: '1.0.0', to: null, devices: 1 }] })
    expect((await stepBack(rolloutId)).body).toMatchObject({ rollout: { state: 'halted' }, placed: null })
  })

  test('takes nothing newer from anybody: halting is enough then', async () => {
    await publish('1.0.0')
    const second = await publish('1.1.0')
    await publish('1.2.0')
    expect((await stepBack(second.rolloutId)).body).toMatchObject({ rollout: { state: 'halted' }, placed: null })
  })

  test('who reads may not', async () => {
    const { rolloutId } = await publish('1.0.0')
    const token = await server.createToken({ role: 'reader' })
    const answer = await server.request('POST', `/manage/v1/rollouts/${rolloutId}/step-back`, { token })
    expect(problemOf(answer)).toBe('403 forbidden')
  })
})
