import type { App, Experiment } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  fixedClock,
  newSigningKey,
  problemOf,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

const DEVICES = Array.from({ length: 400 }, (_, index) => `device-${index}`)

describeOnEveryDatabase('experiments', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let one: string
  let two: string

  beforeAll(async () => {
    db = await openDatabase()
    // Hundreds of devices ask from one address.
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, clock: fixedClock(), env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
    one = await placed('1.0.0')
    two = await placed('2.0.0')
  })

  /** Known to the app, and reaching nobody yet. */
  const placed = async (version: string, platform: 'android' | 'ios' = 'android') => {
    const bundle = await bundleOf(version)
    const options = { bundle, version, platform, channel: 'staging', percentage: 0 }
    return (await server.published(app, options)).releaseId
  }
  const placedElsewhere = async () => {
    const other = await server.createTestApp()
    const release = { bundle: await bundleOf('elsewhere'), version: '9.9.9', platform: 'ios' as const }
    return (await server.published(other, release)).releaseId
  }
  const arms = (changes: object[] = [{}, {}]) => [
    { name: 'a', weight: 50, releaseId: one, ...changes[0] },
    { name: 'b', weight: 50, releaseId: two, ...changes[1] },
  ]
  const start = (body: Record<string, unknown> = {}) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/experiments`, {
      body: { name: 'Start screen', channel: 'production', arms: arms(), ...body },
    })
  const started = async (body?: Record<string, unknown>): Promise<Experiment> => (await start(body)).body
  const finish = (id: string, winner: string | null) =>
    server.request('POST', `/manage/v1/experiments/${id}/finish`, { body: { winner } })
  const move = (id: string, transition: string) => server.request('POST', `/manage/v1/rollouts/${id}/${transition}`)

  /** What each device is offered. */
  async function offers(fields: Record<string, unknown> = {}): Promise<(string | undefined)[]> {
    const answers = await Promise.all(DEVICES.map((deviceId) => server.check(app, { deviceId, ...fields })))
    return answers.map(({ body }) => body.version)
  }
  const count = (versions: readonly (string | undefined)[], version: string | undefined) =>
    versions.filter((each) => each === version).length

  test('every device is in one arm, always the same one', async () => {
    const experiment = await started()
    expect(experiment).toMatchObject({ state: 'running', percentage: 100, platform: 'android', winner: null })
    const first = await offers()
    expect(count(first, '1.0.0') + count(first, '2.0.0')).toBe(DEVICES.length)
    expect(count(first, '1.0.0')).toBeGreaterThan(DEVICES.length * 0.35)
    expect(count(first, '2.0.0')).toBeGreaterThan(DEVICES.length * 0.35)
    expect(await offers()).toEqual(first)
  })

  test('devices that run one of the releases already are split all the same, whatever the order of the arms', async () => {
    const [old, young] = arms()
    await started({ arms: [young, old] })
    const versions = await offers({ releaseId: one, nativeVersion: '1.0' })
    expect(count(versions, '2.0.0')).toBeGreaterThan(DEVICES.length * 0.35)
    expect(count(versions, undefined)).toBeGreaterThan(DEVICES.length * 0.35)
  })

  test('only the share takes part, and the weights split it', async () => {
    await started({ percentage: 50, arms: arms([{ weight: 90 }, { weight: 10 }]) })
    const versions = await offers()
    const [a, b] = [count(versions, '1.0.0'), count(versions, '2.0.0')]
    expect(Math.abs(a + b - DEVICES.length / 2)).toBeLessThan(DEVICES.length * 0.1)
    expect(a).toBeGreaterThan(b * 4)
  })

  test('an arm is a rollout that can be stopped by itself: its devices do not go to the other arm', async () => {
    const experiment = await started()
    const before = await offers()
    await move(experiment.arms[1]?.rolloutId ?? '', 'halt')
    const after = await offers()
    expect(count(after, '1.0.0')).toBe(count(before, '1.0.0'))
    expect(count(after, undefined)).toBe(count(before, '2.0.0'))
  })

  test('the winner goes to all, on top, and the experiment is over', async () => {
    const { id, arms } = await started()
    const { status, body } = await finish(id, 'b')
    expect([status, body]).toEqual([200, expect.objectContaining({ state: 'finished', winner: 'b' })])
    expect(count(await offers(), '2.0.0')).toBe(DEVICES.length)
    const states = await Promise.all(arms.map((arm) => server.request('GET', `/manage/v1/rollouts/${arm.rolloutId}`)))
    expect(states.map(({ body: { state } }) => state)).toEqual(['paused', 'paused'])
    expect((await server.request('GET', `/manage/v1/apps/${app.slug}/experiments`)).body.items).toEqual([body])
  })

  test('without a winner everybody goes back', async () => {
    const { id } = await started()
    await finish(id, null)
    expect(count(await offers(), undefined)).toBe(DEVICES.length)
    const { body } = await server.check(app, { releaseId: one, nativeVersion: '1.0' })
    expect(body).toMatchObject({ rollBackTo: 'embedded' })
  })

  test('of two who finish it at once, one is told that it is over', async () => {
    const { id } = await started()
    const answers = await Promise.all([finish(id, 'a'), finish(id, 'b'), finish(id, null)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409])
    const { items } = (await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts?channel=production`)).body
    const [ended] = (await server.request('GET', `/manage/v1/apps/${app.slug}/experiments`)).body.items
    expect(items).toHaveLength(ended.winner === null ? 2 : 3)
  })

  test('why a device does not get an arm is explained', async () => {
    await started()
    const versions = await offers()
    const deviceId = DEVICES[versions.indexOf('1.0.0')]
    const url = `/manage/v1/apps/${app.slug}/devices/${deviceId}/explain?platform=android&release=2.0.0`
    const { body } = await server.request('GET', url)
    expect(body.towards.changes).toEqual([expect.stringMatching(/another arm/)])
  })

  describe('refuses and changes nothing:', () => {
    test.each<[string, () => Promise<Record<string, unknown>>, string]>([
      ['weights that do not make 100', async () => ({ arms: arms([{}, { weight: 49.99 }]) }), '400 invalid-request'],
      ['one arm', async () => ({ arms: arms().slice(1) }), '400 invalid-request'],
      ['two arms of one name', async () => ({ arms: arms([{}, { name: 'a' }]) }), '400 invalid-request'],
      ['two arms of one release', async () => ({ arms: arms([{}, { releaseId: one }]) }), '400 invalid-request'],
      ['nobody taking part', async () => ({ percentage: 0 }), '400 invalid-request'],
      ['an unknown channel', async () => ({ channel: 'nowhere' }), '404 channel-not-found'],
      [
        'an unknown release',
        async () => ({ arms: arms([{}, { releaseId: '01970000-0000-7000-8000-000000000009' }]) }),
        '404 release-not-found',
      ],
      [
        'a release of another app, of which it says nothing',
        async () => ({ arms: arms([{}, { releaseId: await placedElsewhere() }]) }),
        '404 release-not-found',
      ],
      [
        'releases for different platforms',
        async () => ({ arms: arms([{}, { releaseId: await placed('3.0.0', 'ios') }]) }),
        '400 invalid-request',
      ],
    ])('%s', async (_case, body, expected) => {
      const wanted = await body()
      const before = await dumpDecisions(db)
      expect(problemOf(await start(wanted))).toBe(expected)
      const after = await dumpDecisions(db)
      expect(after).toEqual(before)
    })

    test('a percentage of one arm only', async () => {
      const { arms } = await started()
      const url = `/manage/v1/rollouts/${arms[0]?.rolloutId}`
      expect(problemOf(await server.request('PATCH', url, { body: { percentage: 10 } }))).toBe('409 rollout-state')
    })

    test('an unknown winner, and an end of what is over', async () => {
      const { id } = await started()
      expect(problemOf(await finish(id, 'c'))).toBe('400 invalid-request')
      await finish(id, 'a')
      expect(problemOf(await finish(id, 'b'))).toBe('409 experiment-state')
      expect(problemOf(await finish('01970000-0000-7000-8000-000000000009', 'b'))).toBe('404 experiment-not-found')
    })
  })

  test('may state its arms again: each device takes its arm, whatever it has confirmed before', async () => {
    const key = newSigningKey()
    const sign = (version: string, sequence: number, bundle: Uint8Array) =>
      signRelease(key, { appId: app.id, platform: 'ios', version, sequence, bundle })
    const bundles = new Map([
      ['3.0.0', await bundleOf('3.0.0')],
      ['4.0.0', await bundleOf('4.0.0')],
    ])
    const bundleFor = (version: string) => bundles.get(version) ?? new Uint8Array()
    const signedArm = async (version: string, sequence: number) => {
      const bundle = bundleFor(version)
      const signatures = sign(version, sequence, bundle)
      const options = { bundle, version, platform: 'ios' as const, channel: 'staging', percentage: 0, signatures }
      return { name: `v${version}`, weight: 50, releaseId: (await server.published(app, options)).releaseId }
    }
    const older = await signedArm('3.0.0', 10)
    const newer = await signedArm('4.0.0', 11)
    const again = (version: string, sequence: number) => {
      const { statement, statementSignature } = sign(version, sequence, bundleFor(version))
      return { statement, statementSignature }
    }
    const half = [{ ...newer, statement: again('4.0.0', 13).statement }, older]
    expect(problemOf(await start({ arms: half }))).toBe('400 invalid-request')
    const downwards = [
      { ...newer, ...again('4.0.0', 12) },
      { ...older, ...again('3.0.0', 13) },
    ]
    expect(problemOf(await start({ arms: downwards }))).toBe('409 sequence-taken')
    const { id, arms: made } = await started({
      arms: [
        { ...newer, ...again('4.0.0', 13) },
        { ...older, ...again('3.0.0', 12) },
      ],
    })
    expect(made.map((arm) => Object.keys(arm).sort())).toEqual([
      ['name', 'releaseId', 'rolloutId', 'version', 'weight'],
      ['name', 'releaseId', 'rolloutId', 'version', 'weight'],
    ])
    const rollouts = await db
      .selectFrom('rollout')
      .innerJoin('statement', 'statement.id', 'rollout.statement_id')
      .select(['rollout.release_id', 'statement.sequence'])
      .where('rollout.experiment_id', '=', id)
      .orderBy('statement.sequence')
      .execute()
    expect(rollouts).toEqual([
      { release_id: older.releaseId, sequence: 12 },
      { release_id: newer.releaseId, sequence: 13 },
    ])
  })
})
