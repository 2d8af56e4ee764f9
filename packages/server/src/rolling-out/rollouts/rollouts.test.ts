import type { App, Rollout } from '@hotpatch/api'
import { writeReleaseStatement, type NewReleaseStatement, STATED_EMBEDDED, statedArchive } from '@hotpatch/protocol'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  fixedClock,
  newSigningKey,
  problemOf,
  sha256Of,
  signRelease,
  signStatement,
  startTestServer,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('rollouts', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  let one: Buffer
  let two: Buffer

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock })
    one = await bundleOf('one')
    two = await bundleOf('two')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const get = async (id: string): Promise<Rollout> => (await server.request('GET', `/manage/v1/rollouts/${id}`)).body
  const patch = (id: string, body: unknown) => server.request('PATCH', `/manage/v1/rollouts/${id}`, { body })
  const move = (id: string, transition: string) => server.request('POST', `/manage/v1/rollouts/${id}/${transition}`)
  const place = (body: unknown) => server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
  const rollBack = (to: unknown, changes: Record<string, unknown> = {}) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
      body: { platform: 'android', channel: 'production', to, ...changes },
    })
  /** What a device, which runs `version`, gets: a version, "embedded" or the reason why nothing. */
  const offered = async (fields: Record<string, unknown> = {}) => {
    const { body } = await server.check(app, fields)
    return body.rollBackTo ?? (body.updateAvailable ? body.version : body.reason)
  }
  /** Without the devices: what their checks told is written when its time has come. */
  const state = async () => {
    const tables = await dumpDecisions(db)
    return tables
  }
  /** The answer's problem, after checking that nothing else came of the request. */
  async function refusal(act: () => Promise<TestResponse>): Promise<string> {
    const before = await state()
    const response = await act()
    expect(await state()).toEqual(before)
    return problemOf(response)
  }

  describe('a rollout', () => {
    test('moves between its states, and some are final', async () => {
      const expected: Record<string, Record<string, string>> = {
        active: { pause: 'paused', resume: 'active', halt: 'halted', withdraw: 'withdrawn' },
        paused: { pause: 'paused', resume: 'active', halt: 'halted', withdraw: 'withdrawn' },
        halted: { pause: 'refused', resume: 'refused', halt: 'halted', withdraw: 'withdrawn' },
        withdrawn: { pause: 'refused', resume: 'refused', halt: 'refused', withdraw: 'withdrawn' },
      }
      const ways: Record<string, string[]> = {
        active: [],
        paused: ['pause'],
        halted: ['halt'],
        withdrawn: ['withdraw'],
      }
      const { releaseId } = await server.published(app, { bundle: one })
      for (const [state, transitions] of Object.entries(expected)) {
        for (const [transition, result] of Object.entries(transitions)) {
          const { id } = (await place({ releaseId, channel: 'beta' })).body as Rollout
          for (const step of ways[state] ?? []) await move(id, step)
          const answer = await move(id, transition)
          const found = answer.status === 200 ? answer.body.state : problemOf(answer)
          expect([state, transition, found]).toEqual([
            state,
            transition,
            result === 'refused' ? '409 rollout-state' : result,
          ])
          expect((await get(id)).state).toBe(result === 'refused' ? state : result)
        }
      }
    })

    test('that is paused keeps who has it and takes nobody new', async () => {
      const { rolloutId, releaseId } = await server.published(app, { bundle: one })
      await move(rolloutId, 'pause')
      expect(await offered()).toBe('paused')
      expect(await offered({ releaseId })).toBe('runs-the-target')
      await move(rolloutId, 'resume')
      expect(await offered()).toBe('1.0.0')
    })

    test('that is halted sends those who have it elsewhere', async () => {
      const first = await server.published(app, { bundle: one })
      const second = await server.published(app, { version: '1.1.0', bundle: two })
      await move(second.rolloutId, 'halt')
      expect(await offered({ releaseId: second.releaseId })).toBe('1.0.0')
      await move(first.rolloutId, 'halt')
      expect(await offered({ releaseId: second.releaseId })).toBe('embedded')
      expect(await offered()).toBe('halted')
    })

    test('is never brought back after a halt, by no change whatever', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      await move(rolloutId, 'halt')
      expect(await refusal(() => patch(rolloutId, { percentage: 100 }))).toBe('409 rollout-state')
      expect(await refusal(() => move(rolloutId, 'resume'))).toBe('409 rollout-state')
    })

    test('that two people halt and resume at once ends halted', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      await move(rolloutId, 'pause')
      const [halted] = await Promise.all([move(rolloutId, 'halt'), move(rolloutId, 'resume')])
      expect(halted.status).toBe(200)
      expect((await get(rolloutId)).state).toBe('halted')
    })

    test('that two people pause at once is paused once', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      const answers = await Promise.all([move(rolloutId, 'pause'), move(rolloutId, 'pause')])
      expect((await get(rolloutId)).state).toBe('paused')
      expect(answers.map(({ status }) => status === 200 || status === 409)).toEqual([true, true])
      const { body } = await server.request('GET', `/manage/v1/audit?app=${app.slug}&action=rollout.paused`)
      expect(body.items).toHaveLength(1)
    })

    test('grows, and shrinks without taking it from those who have it', async () => {
      const first = await server.published(app, { bundle: one })
      const { rolloutId, releaseId } = await server.published(app, { version: '1.1.0', bundle: two, percentage: 0 })
      expect(await offered()).toBe('1.0.0')
      await patch(rolloutId, { percentage: 100 })
      expect(await offered()).toBe('1.1.0')
      await patch(rolloutId, { percentage: 0 })
      expect(await offered({ releaseId: first.releaseId })).toBe('runs-the-target')
      expect(await offered({ releaseId })).toBe('ahead-of-rollout')
    })

    test('is for the devices and the cohorts that it names', async () => {
      const { rolloutId } = await server.published(app, { bundle: one, percentage: 0 })
      await patch(rolloutId, { devices: ['device-7'], cohorts: ['staff'] })
      expect(await offered()).toBe('outside-audience')
      expect(await offered({ deviceId: 'device-7' })).toBe('1.0.0')
      // A device's own word puts it into no cohort, unless the app takes it.
      expect(await offered({ cohorts: ['other', 'staff'] })).toBe('outside-audience')
      await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { deviceCohorts: 'allowed' } })
      expect(await offered({ cohorts: ['other', 'staff'] })).toBe('1.0.0')
    })

    test('gets single devices and loses them, also when several people add some at once', async () => {
      const { rolloutId } = await server.published(app, { bundle: one, percentage: 0 })
      await patch(rolloutId, { devices: ['device-1'] })
      await Promise.all(['device-2', 'device-3'].map((id) => patch(rolloutId, { addDevices: [id] })))
      expect((await get(rolloutId)).devices.toSorted()).toEqual(['device-1', 'device-2', 'device-3'])
      expect(await offered({ deviceId: 'device-3' })).toBe('1.0.0')
      await patch(rolloutId, { removeDevices: ['device-1', 'device-9'], addDevices: ['device-2'] })
      expect((await get(rolloutId)).devices.toSorted()).toEqual(['device-2', 'device-3'])
      const many = Array.from({ length: 9_999 }, (_, index) => `other-${index}`)
      expect(await refusal(() => patch(rolloutId, { addDevices: many }))).toBe('400 invalid-request')
    })

    test('becomes mandatory and stops being it', async () => {
      const { rolloutId } = await server.published(app, { bundle: one })
      for (const mandatory of [true, false]) {
        await patch(rolloutId, { mandatory })
        expect((await server.check(app)).body.mandatory).toBe(mandatory)
      }
    })

    test('is mandatory for old shells only, from the start or later, and for none any more', async () => {
      const { rolloutId } = await server.published(app, { bundle: one, version: '7.7.0', mandatoryBelow: '2.0' })
      const isForced = async (nativeVersion: string) =>
        (await server.check(app, { deviceId: `old-${nativeVersion}`, version: nativeVersion, nativeVersion })).body
          .mandatory
      expect([await isForced('1.9'), await isForced('2.0')]).toEqual([true, false])
      const at = `/manage/v1/rollouts/${rolloutId}`
      const { body } = await server.request('PATCH', at, { body: { mandatoryBelow: '3' } })
      expect(body.mandatoryBelow).toBe('3')
      expect([await isForced('2.9'), await isForced('3.0')]).toEqual([true, false])
      await server.request('PATCH', at, { body: { mandatoryBelow: null } })
      expect(await isForced('1.0')).toBe(false)
      expect(problemOf(await server.request('PATCH', at, { body: { mandatoryBelow: 'soon' } }))).toBe(
        '400 invalid-request',
      )
    })

    test('starts when its time has come', async () => {
      const startsAt = new Date(clock.now() + HOUR_MS).toISOString()
      const { rolloutId } = await server.published(app, { bundle: one, startsAt })
      expect((await get(rolloutId)).startsAt).toBe(startsAt)
      expect(await offered()).toBe('not-started')
      clock.advance(HOUR_MS - 1)
      expect(await offered()).toBe('not-started')
      clock.advance(1)
      expect(await offered()).toBe('1.0.0')
    })

    test('that has not started is moved to another time, or starts at once', async () => {
      const at = (hours: number) => new Date(clock.now() + hours * HOUR_MS).toISOString()
      const { rolloutId } = await server.published(app, { bundle: one, startsAt: at(1) })
      expect((await patch(rolloutId, { startsAt: at(2) })).body.startsAt).toBe(at(2))
      clock.advance(HOUR_MS)
      expect(await offered()).toBe('not-started')
      expect((await patch(rolloutId, { startsAt: null })).body.startsAt).toBeNull()
      expect(await offered()).toBe('1.0.0')
      expect(await refusal(() => patch(rolloutId, { startsAt: at(1) }))).toBe('409 rollout-state')
    })

    test.each<[string, unknown, string]>([
      ['nothing', {}, '400 invalid-request'],
      ['a percentage above 100', { percentage: 101 }, '400 invalid-request'],
      ['a percentage finer than 0.01', { percentage: 0.005 }, '400 invalid-request'],
      ['a percentage that is text', { percentage: '10' }, '400 invalid-request'],
      ['an unknown field', { state: 'active' }, '400 invalid-request'],
      ['a device twice', { devices: ['a', 'a'] }, '400 invalid-request'],
      ['a start that no clock shows', { startsAt: '2030-12-31T23:59:60Z' }, '400 invalid-request'],
    ])('is not changed by %s', async (_case, body, expected) => {
      const startsAt = new Date(clock.now() + HOUR_MS).toISOString()
      const { rolloutId } = await server.published(app, { bundle: one, startsAt })
      expect(await refusal(() => patch(rolloutId, body))).toBe(expected)
    })

    test('that is not there is not changed', async () => {
      expect(problemOf(await patch('nothing', { percentage: 1 }))).toBe('404 rollout-not-found')
      expect(problemOf(await move('nothing', 'halt'))).toBe('404 rollout-not-found')
    })

    test('raises the generation of its catalog, and no other', async () => {
      const generations = async () => {
        const rows = await db.selectFrom('catalog_generation').selectAll().where('app_id', '=', app.id).execute()
        return Object.fromEntries(rows.map((row) => [`${row.platform} ${row.channel}`, row.generation]))
      }
      const { rolloutId } = await server.published(app, { bundle: one })
      await server.published(app, { bundle: one, channel: 'beta' })
      expect(await generations()).toEqual({ 'android production': 1, 'android beta': 1 })
      await patch(rolloutId, { percentage: 50 })
      await move(rolloutId, 'pause')
      expect(await generations()).toEqual({ 'android production': 3, 'android beta': 1 })
      await server.published(app, { bundle: one, platform: 'any', version: '2.0.0' })
      expect(await generations()).toEqual({
        'android production': 4,
        'android beta': 1,
        'ios production': 1,
        'any production': 1,
      })
    })

    test('takes the next position, also with others at once', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      const answers = await Promise.all([1, 2, 3].map(() => place({ releaseId, channel: 'production' })))
      expect(answers.map(({ body }) => body.position).sort((a, b) => a - b)).toEqual([2, 3, 4])
    })

    test.each([
      ['per-rollout', { buckets: 10_000 }, false],
      ['per-app', { buckets: 10_000, salt: '' }, true],
      ['original', { buckets: 100, salt: '' }, true],
    ])('of an app with %s buckets is salted as that says', async (bucketing, expected, isShared) => {
      app = await server.createTestApp({ bucketing })
      const { rolloutId } = await server.published(app, { bundle: one })
      const rollout = await get(rolloutId)
      expect(rollout).toMatchObject(expected)
      expect(rollout.salt === rolloutId).toBe(!isShared)
    })

    test("with the contract's original buckets takes the devices that the original took", async () => {
      app = await server.createTestApp({ bucketing: 'original' })
      await server.published(app, { bundle: one, percentage: 50 })
      const bucket = (id: string) => {
        let hash = 0x811c9dc5
        for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
        return hash % 100
      }
      for (const deviceId of Array.from({ length: 20 }, (_, index) => `device-${index}`)) {
        expect(await offered({ deviceId })).toBe(bucket(deviceId) < 50 ? '1.0.0' : 'outside-audience')
      }
    })

    test('is listed, newest first, and filtered', async () => {
      const first = await server.published(app, { bundle: one })
      const second = await server.published(app, { bundle: one, channel: 'beta' })
      const third = await server.published(app, { bundle: one, platform: 'ios' })
      await move(first.rolloutId, 'halt')
      const list = async (query: string) =>
        (await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts?${query}`)).body.items.map(
          (item: Rollout) => item.id,
        )
      expect(await list('')).toEqual([third, second, first].map(({ rolloutId }) => rolloutId))
      expect(await list('channel=beta')).toEqual([second.rolloutId])
      expect(await list('platform=ios')).toEqual([third.rolloutId])
      expect(await list('state=halted')).toEqual([first.rolloutId])
    })
  })

  describe('that something newer covers', () => {
    const publish = (version: string, changes: Record<string, unknown> = {}) =>
      server.published(app, { bundle: one, version, ...changes })
    const coverOf = async (id: string) => (await get(id)).coveredBy?.version

    test('says so, where it is shown and where it is listed', async () => {
      const old = await publish('1.0.0', { percentage: 50 })
      expect((await get(old.rolloutId)).coveredBy).toBeNull()
      const newer = await publish('1.1.0')
      const coveredBy = { rolloutId: newer.rolloutId, version: '1.1.0', position: expect.any(Number) }
      expect((await get(old.rolloutId)).coveredBy).toEqual(coveredBy)
      const { items } = (await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)).body
      expect(items.map((item: Rollout) => item.coveredBy)).toEqual([null, coveredBy])
      await move(newer.rolloutId, 'halt')
      expect((await get(old.rolloutId)).coveredBy).toBeNull()
      await rollBack('embedded')
      expect((await get(old.rolloutId)).coveredBy).toMatchObject({ version: null })
    })

    test.each<[string, Record<string, unknown>]>([
      ['is for a part', { percentage: 99.99 }],
      ['is for those who meet a rule', { rules: [{ attribute: 'model', in: ['x'] }] }],
      ['starts later', { startsAt: '2040-01-01T00:00:00.000Z' }],
      ['needs another shell', { minNativeVersion: '2.0' }],
      ['is for another platform', { platform: 'ios' }],
      ['is on another channel', { channel: 'beta' }],
    ])('is not covered by what %s', async (_case, changes) => {
      const { rolloutId } = await publish('1.0.0', { percentage: 50 })
      await publish('1.1.0', changes)
      expect(await coverOf(rolloutId)).toBeUndefined()
    })

    test('what needs the same shell, and what is for any platform, covers it', async () => {
      const needy = await publish('1.0.0', { minNativeVersion: '2.0' })
      await publish('1.1.0', { minNativeVersion: '2.0' })
      expect(await coverOf(needy.rolloutId)).toBe('1.1.0')
      await publish('1.2.0', { platform: 'any' })
      expect(await coverOf(needy.rolloutId)).toBe('1.2.0')
    })

    test('what is halted needs no cover', async () => {
      const { rolloutId } = await publish('1.0.0')
      await publish('1.1.0')
      await move(rolloutId, 'halt')
      expect((await get(rolloutId)).coveredBy).toBeNull()
    })
  })

  describe('a promotion', () => {
    test('places the same release on another channel', async () => {
      const { releaseId } = await server.published(app, { bundle: one, channel: 'beta' })
      expect(await offered()).toBe('nothing-published')
      const { status, body } = await place({ releaseId, channel: 'production', mandatory: true })
      expect(status).toBe(201)
      expect(body).toMatchObject({
        releaseId,
        channel: 'production',
        version: '1.0.0',
        state: 'active',
        percentage: 100,
      })
      expect((await server.check(app)).body).toMatchObject({ releaseId, mandatory: true })
    })

    test.each<[string, (releaseId: string) => unknown, string]>([
      ['of an unknown release', () => ({ releaseId: UNKNOWN, channel: 'beta' }), '404 release-not-found'],
      ['to an unknown channel', (releaseId) => ({ releaseId, channel: 'nightly' }), '404 channel-not-found'],
      ['to 101 %', (releaseId) => ({ releaseId, channel: 'beta', percentage: 101 }), '400 invalid-request'],
      ['without a channel', (releaseId) => ({ releaseId }), '400 invalid-request'],
      ['with an id that is none', () => ({ releaseId: 'x', channel: 'beta' }), '400 invalid-request'],
    ])('%s is refused', async (_case, body, expected) => {
      const { releaseId } = await server.published(app, { bundle: one })
      expect(await refusal(() => place(body(releaseId)))).toBe(expected)
    })

    test("of another app's release, or of an archived one, is refused", async () => {
      const other = await server.createTestApp()
      const theirs = await server.published(other, { bundle: one })
      expect(problemOf(await place({ releaseId: theirs.releaseId, channel: 'beta' }))).toBe('404 release-not-found')
      const { releaseId } = await server.published(app, { bundle: one })
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect(problemOf(await place({ releaseId, channel: 'beta' }))).toBe('404 release-not-found')
    })
  })

  test('what is only rehearsed is answered as it would be, and changes nothing', async () => {
    const release = await server.published(app, { bundle: one, version: '1.0.0' })
    const before = await state()
    const promotion = { releaseId: release.releaseId, channel: 'beta', percentage: 20 }
    const placed = await place({ ...promotion, dryRun: true })
    expect([placed.status, placed.body]).toMatchObject([200, { channel: 'beta', percentage: 20, state: 'active' }])
    const back = await rollBack({ version: '1.0.0' }, { dryRun: true })
    expect([back.status, back.body]).toMatchObject([200, { version: '1.0.0', channel: 'production' }])
    expect(problemOf(await place({ ...promotion, channel: 'prodution', dryRun: true }))).toBe('404 channel-not-found')
    expect(problemOf(await rollBack({ version: '9.9.9' }, { dryRun: true }))).toBe('422 rollback-target-invalid')
    expect(await state()).toEqual(before)
    // It was in nobody's way.
    expect(await place(promotion)).toMatchObject({ status: 201, body: { channel: 'beta' } })
    expect((await server.request('GET', `/manage/v1/rollouts/${placed.body.id}`)).status).toBe(404)
  })

  describe('a release for any platform', () => {
    test('is offered on all of them', async () => {
      await server.published(app, { bundle: one, platform: 'any' })
      for (const platform of ['android', 'ios']) expect(await offered({ platform })).toBe('1.0.0')
    })

    test('stands in one order with those for one platform', async () => {
      await server.published(app, { bundle: one, platform: 'any' })
      await server.published(app, { bundle: one, platform: 'ios', version: '1.1.0' })
      expect(await offered({ platform: 'ios' })).toBe('1.1.0')
      expect(await offered({ platform: 'android' })).toBe('1.0.0')
      const { rolloutId } = await server.published(app, { bundle: two, platform: 'any', version: '1.2.0' })
      for (const platform of ['android', 'ios']) expect(await offered({ platform })).toBe('1.2.0')
      await move(rolloutId, 'halt')
      expect(await offered({ platform: 'ios' })).toBe('1.1.0')
    })
  })

  describe('a roll-back', () => {
    test('is a new rollout, on top, of an older version', async () => {
      const first = await server.published(app, { bundle: one })
      const second = await server.published(app, { version: '1.1.0', bundle: two })
      const { status, body } = await rollBack({ version: '1.0.0' })
      expect(status).toBe(201)
      expect(body).toMatchObject({ releaseId: first.releaseId, position: 3, target: 'release', state: 'active' })
      const answer = await server.check(app, { releaseId: second.releaseId })
      expect(answer.body).toMatchObject({ version: '1.0.0', direction: 'back' })
    })

    test('goes to a release that is named by its id', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      await server.published(app, { version: '1.1.0', bundle: two })
      expect((await rollBack({ releaseId })).body).toMatchObject({ releaseId, version: '1.0.0' })
    })

    test('goes to what the binary shipped with', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      const { body } = await rollBack('embedded', { mandatory: true })
      expect(body).toMatchObject({ target: 'embedded', releaseId: null, version: null })
      expect((await server.check(app, { releaseId })).body).toMatchObject({
        updateAvailable: false,
        rollBackTo: 'embedded',
        mandatory: true,
      })
      expect(await offered()).toBe('runs-the-target')
    })

    test('may go to a part of the devices first', async () => {
      await server.published(app, { bundle: one })
      const second = await server.published(app, { version: '1.1.0', bundle: two })
      await rollBack({ version: '1.0.0' }, { percentage: 0 })
      expect(await offered({ releaseId: second.releaseId })).toBe('runs-the-target')
    })

    test.each<[string, unknown, Record<string, unknown>, string]>([
      ['to a version that never was', { version: '9.9.9' }, {}, '422 rollback-target-invalid'],
      ['to a release that never was', { releaseId: UNKNOWN }, {}, '422 rollback-target-invalid'],
      ['to a version of another channel', { version: '3.0.0-beta' }, {}, '422 rollback-target-invalid'],
      ['to a version of another platform', { version: '1.0.0' }, { platform: 'ios' }, '422 rollback-target-invalid'],
      ['on an unknown channel', 'embedded', { channel: 'nightly' }, '404 channel-not-found'],
      ['on a platform that the app does not have', 'embedded', { platform: 'web' }, '404 platform-not-found'],
      ['to nothing', undefined, {}, '400 invalid-request'],
      ['to two things', { version: '1.0.0', releaseId: UNKNOWN }, {}, '400 invalid-request'],
      ['to a percentage above 100', 'embedded', { percentage: 100.5 }, '400 invalid-request'],
    ])('%s is refused', async (_case, to, changes, expected) => {
      await server.published(app, { bundle: one })
      await server.published(app, { bundle: one, version: '3.0.0-beta', channel: 'beta' })
      expect(await refusal(() => rollBack(to, changes))).toBe(expected)
    })

    test('to an archived release is refused', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect(await refusal(() => rollBack({ releaseId }))).toBe('422 rollback-target-invalid')
    })

    describe('that the publisher signed', () => {
      const key = newSigningKey()
      const restate = (changes: Partial<NewReleaseStatement> = {}) =>
        signStatement(
          key,
          writeReleaseStatement({
            appId: app.id,
            platform: 'android',
            target: 'release',
            version: '1.0.0',
            sequence: 3,
            floor: 0,
            requirement: {},
            ...statedArchive({ sha256: sha256Of(one), sizeBytes: one.length }),
            createdAt: '2027-01-01T00:00:00.000Z',
            ...changes,
          }),
        )

      beforeEach(async () => {
        for (const [version, bundle, sequence] of [
          ['1.0.0', one, 1],
          ['1.1.0', two, 2],
        ] as const) {
          const signatures = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
          await server.published(app, { version, bundle, signatures })
        }
      })

      test('is given to devices with its own statement, and uses up its sequence', async () => {
        const signed = restate()
        const { status, body } = await rollBack({ version: '1.0.0' }, signed)
        expect(status).toBe(201)
        expect(body.sequence).toBe(3)
        expect((await server.check(app)).body).toMatchObject({ version: '1.0.0', ...signed })
        const next = await server.request('GET', `/manage/v1/apps/${app.slug}/sequence?platform=android`)
        expect(next.body.nextSequence).toBe(4)
        expect(await refusal(() => rollBack({ version: '1.0.0' }, signed))).toBe('409 sequence-taken')
      })

      test('may go to what the binary shipped with', async () => {
        const signed = restate(STATED_EMBEDDED)
        const release = (await server.check(app)).body.releaseId
        await rollBack('embedded', signed)
        expect((await server.check(app, { releaseId: release })).body).toMatchObject({
          rollBackTo: 'embedded',
          ...signed,
        })
      })

      test.each<[string, Partial<NewReleaseStatement>, string]>([
        ['for another app', { appId: UNKNOWN }, '422 statement-invalid'],
        ['for another platform', { platform: 'ios' }, '422 statement-invalid'],
        ['for another version', { version: '1.1.0' }, '422 statement-invalid'],
        ['for what the binary shipped with', STATED_EMBEDDED, '422 statement-invalid'],
        ['with another requirement', { requirement: { minNativeVersion: '2.0' } }, '422 statement-invalid'],
        ['with a sequence that was taken', { sequence: 2 }, '409 sequence-taken'],
        ['with a lower sequence', { sequence: 1 }, '409 sequence-taken'],
        ['with one that every device would refuse', { sequence: 1_000_003 }, '422 sequence-too-far'],
        ['with the last one that there is', { sequence: Number.MAX_SAFE_INTEGER }, '422 sequence-too-far'],
      ])('%s is refused', async (_case, changes, expected) => {
        expect(await refusal(() => rollBack({ version: '1.0.0' }, restate(changes)))).toBe(expected)
      })

      test('by a key that the app does not know is refused', async () => {
        const { statement } = restate()
        const statementSignature = newSigningKey().sign(Buffer.from(statement, 'base64'))
        const signed = { statement, statementSignature }
        expect(await refusal(() => rollBack({ version: '1.0.0' }, signed))).toBe('422 signature-invalid')
      })

      test('only by half is refused', async () => {
        const { statement } = restate()
        expect(await refusal(() => rollBack({ version: '1.0.0' }, { statement }))).toBe('400 invalid-request')
      })

      test('by a key that was revoked is refused', async () => {
        const keys = `/manage/v1/apps/${app.slug}/keys`
        const [{ id }] = (await server.request('GET', keys)).body.items
        await server.request('POST', `${keys}/${id}/revoke`)
        expect(await refusal(() => rollBack({ version: '1.0.0' }, restate()))).toBe('422 signature-invalid')
      })
    })

    test('keeps devices above a floor that a publisher signed', async () => {
      const key = newSigningKey()
      const sign = (version: string, sequence: number, bundle: Buffer, floor: number) =>
        signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle }, { floor })
      await server.published(app, { version: '1.0.0', bundle: one, signatures: sign('1.0.0', 1, one, 0) })
      const second = await server.published(app, {
        version: '1.1.0',
        bundle: two,
        signatures: sign('1.1.0', 2, two, 2),
      })
      await rollBack({ version: '1.0.0' })
      expect(await offered({ releaseId: second.releaseId })).toBe('runs-the-target')
      expect(await offered()).toBe('1.1.0')
    })
  })

  describe('archiving', () => {
    test('takes every rollout of the release back, and keeps its bytes', async () => {
      const { releaseId, content } = await server.published(app, { bundle: one })
      await place({ releaseId, channel: 'beta' })
      const { status, body } = await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect(status).toBe(200)
      expect(body.archivedAt).toBe(new Date(clock.now()).toISOString())
      const { body: list } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
      expect(list.items.map((item: Rollout) => item.state)).toEqual(['withdrawn', 'withdrawn'])
      expect(await offered()).toBe('withdrawn')
      expect(await offered({ channel: 'beta' })).toBe('withdrawn')
      expect(await offered({ releaseId })).toBe('embedded')
      expect((await server.request('GET', `/artifacts/${content.sha256}`)).status).toBe(200)
    })

    test('keeps the version taken', async () => {
      const { releaseId } = await server.published(app, { bundle: one })
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect(problemOf(await server.publish(app, { bundle: two }))).toBe('409 release-exists')
    })

    test('of what is not there is refused', async () => {
      expect(problemOf(await server.request('DELETE', '/manage/v1/releases/nothing'))).toBe('404 release-not-found')
    })
  })

  describe('releases are listed', () => {
    test('newest first, without the archived ones, by platform, channel, version and whether they are placed', async () => {
      const first = await server.published(app, { bundle: one })
      const second = await server.published(app, { bundle: two, version: '1.1.0', channel: 'beta' })
      const third = await server.published(app, { bundle: two, version: '1.1.0', platform: 'ios' })
      await server.request('DELETE', `/manage/v1/releases/${first.releaseId}`)
      await move(second.rolloutId, 'halt')
      const list = async (query: string) =>
        (await server.request('GET', `/manage/v1/apps/${app.slug}/releases?${query}`)).body.items.map(
          (item: { id: string }) => item.id,
        )
      expect(await list('')).toEqual([third.releaseId, second.releaseId])
      expect(await list('archived=true')).toEqual([first.releaseId])
      expect(await list('platform=android')).toEqual([second.releaseId])
      expect(await list('channel=beta')).toEqual([second.releaseId])
      expect(await list('version=1.1.0')).toEqual([third.releaseId, second.releaseId])
      expect(await list('active=true')).toEqual([third.releaseId])
      expect(await list('active=false')).toEqual([second.releaseId])
    })
  })
})

const UNKNOWN = '01890000-0000-7000-8000-000000000000'
