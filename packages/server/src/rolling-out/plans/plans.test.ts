import type { App, RolloutPlan, RolloutPlanStatus } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  fixedClock,
  newSigningKey,
  problemOf,
  signRelease,
  startTestServer,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import { keyIdOfPublicKey } from '../../shipping/signing/signing-keys.ts'
import type { Database } from '../../ground/database/schema.ts'

const UNKNOWN = '01890000-0000-7000-8000-000000000000'

describeOnEveryDatabase('rollout plans', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  let bundle: Buffer
  let devices = 0

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock })
    bundle = await bundleOf('one')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const hour = { percentage: 1, bakeMinutes: 60 }
  const steps = [hour, { percentage: 10, bakeMinutes: 60, minimumSample: 3 }, { percentage: 50, bakeMinutes: 0 }]
  const at = (rolloutId: string, rest = '') => `/manage/v1/rollouts/${rolloutId}${rest}`
  const publish = (plan: RolloutPlan, more: Record<string, unknown> = {}) =>
    server.published(app, { bundle, plan, ...more })
  const status = async (rolloutId: string): Promise<RolloutPlanStatus> =>
    (await server.request('GET', at(rolloutId, '/plan'))).body
  const move = (rolloutId: string, verb: string) => server.request('POST', at(rolloutId, `/${verb}`))
  const advance = (rolloutId: string, fromStep: number) =>
    server.request('POST', at(rolloutId, '/advance'), { body: { fromStep } })
  const actions = async (rolloutId: string): Promise<string[]> => {
    const { body } = await server.request('GET', `/manage/v1/audit?subjectId=${rolloutId}&limit=200`)
    const entries = body.items as { action: string; actorName: string; after: { percentage: number } }[]
    return entries.map(({ action, actorName, after }) => `${actorName}: ${action} ${after.percentage}`).reverse()
  }
  const announced = async (rolloutId: string): Promise<string[]> => {
    const rows = await db.selectFrom('announcement').select(['type', 'data']).orderBy('id').execute()
    return rows.filter(({ data }) => data.includes(rolloutId)).map(({ type }) => type)
  }
  /** Devices that checked before the release was there, were offered it and have tried it. */
  const attempt = async (releaseId: string, count: number, reported = 'confirmed') => {
    const tried = Array.from({ length: count }, () => `tried-${(devices += 1)}`)
    const { id: rollout_id } = await db
      .selectFrom('rollout')
      .select('id')
      .where('release_id', '=', releaseId)
      .executeTakeFirstOrThrow()
    const none = { standing: null, standing_at: null, network: null, attempted_at: null, offered_at: 0, changed_at: 0 }
    const offered = tried.map((device_id) => ({ device_id, rollout_id, progress: 1, is_known: 1, ...none }))
    await db.insertInto('rollout_device').values(offered).execute()
    const answers = await Promise.all(
      tried.map((deviceId) => server.report(app, { deviceId, releaseId, status: reported })),
    )
    expect(answers.map(({ status }) => status)).toEqual(tried.map(() => 200))
  }
  const state = async () => {
    const { announced } = await db
      .selectFrom('announcement')
      .select(({ fn }) => fn.countAll<number>().as('announced'))
      .executeTakeFirstOrThrow()
    return { ...(await dumpDecisions(db)), announced }
  }
  async function refusal(act: () => Promise<TestResponse>): Promise<string> {
    const before = await state()
    const response = await act()
    expect(await state()).toEqual(before)
    return problemOf(response)
  }

  describe('a plan', () => {
    test('of what is placed paused begins when that is resumed, and nobody gets it before', async () => {
      await server.published(app, { bundle, version: '0.8.0' })
      const { rolloutId, releaseId, paused } = await publish({ steps }, { paused: true })
      expect(paused).toBe(true)
      expect((await server.check(app, { version: '0.9.0' })).body).toMatchObject({ version: '0.8.0' })
      clock.advance(2 * HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 1 })
      expect(await announced(rolloutId)).toEqual(['rollout.paused'])
      await move(rolloutId, 'resume')
      clock.advance(HOUR_MS)
      await server.tick()
      expect(await announced(rolloutId)).toEqual(['rollout.paused', 'rollout.resumed', 'rollout.advanced'])
      const body = { releaseId, channel: 'beta', paused: true }
      const { body: promoted } = await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
      expect([promoted.state, await announced(promoted.id)]).toEqual(['paused', ['rollout.paused']])
    })

    test('waits for no device that can never take it, and says so', async () => {
      const key = newSigningKey()
      const [trusts, stranger] = [key, newSigningKey()].map(({ publicKey }) => keyIdOfPublicKey(publicKey))
      const signatures = signRelease(key, { appId: app.id, platform: 'android', version: '1.0.0', sequence: 1, bundle })
      const whole = [{ percentage: 100, bakeMinutes: 0, minimumSample: 50 }]
      const check = (deviceId: string, trustedKey: string | undefined, more = {}) =>
        server.check(app, { deviceId, version: '0.9.0', highestSequence: 0, trustedKeys: [trustedKey], ...more })
      const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
      for (const name of names('old', 7)) await check(name, stranger)
      for (const name of names('new', 5)) await check(name, trusts)
      clock.advance(25 * HOUR_MS)
      const { rolloutId, releaseId } = await publish({ steps: whole }, { signatures })
      expect(await status(rolloutId)).toMatchObject({
        takers: { audience: 12, canTake: 5, left: 5, cannot: [{ reason: 'key-not-trusted', devices: 7 }] },
        waitsFor: { for: 'sample', missing: 5, explanation: expect.stringContaining('only 5 more can take it') },
      })
      const confirm = async (name: string) => {
        await check(name, trusts)
        await server.report(app, { deviceId: name, releaseId, status: 'confirmed' })
        await check(name, trusts, { version: '1.0.0', currentReleaseId: releaseId, highestSequence: 1 })
      }
      for (const name of names('new', 4)) await confirm(name)
      clock.advance(25 * HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ state: 'running', attempted: 4, takers: { canTake: 5, left: 1 } })
      await confirm('new-4')
      clock.advance(HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ state: 'finished', takers: { left: 0 } })
      expect(await actions(rolloutId)).toContain('plan: rollout.finished 100')
    })

    test('begins with its first step, and goes on when each has baked and been tried', async () => {
      const published = await publish({ steps })
      const { rolloutId, releaseId } = published
      expect(published.percentage).toBe(1)
      expect(await status(rolloutId)).toEqual({
        rolloutId,
        state: 'running',
        step: 1,
        percentage: 1,
        steps,
        windows: [],
        startsAt: null,
        stepStartedAt: new Date(clock.now()).toISOString(),
        attempted: 0,
        isGuardGreen: true,
        takers: { audience: 0, canTake: 0, left: 0, cannot: [] },
        waitsFor: {
          for: 'bake',
          explanation: expect.stringContaining('It stays at 1 % until'),
          until: new Date(clock.now() + HOUR_MS).toISOString(),
          missing: null,
        },
        updatedAt: new Date(clock.now()).toISOString(),
      })
      clock.advance(HOUR_MS - 1)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 1, percentage: 1 })
      clock.advance(1)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 2, percentage: 10, waitsFor: { for: 'bake' } })
      clock.advance(HOUR_MS)
      await attempt(releaseId, 2)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 2, attempted: 2, waitsFor: { for: 'sample', missing: 1 } })
      await attempt(releaseId, 1)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 3, percentage: 50, attempted: 0, state: 'running' })
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ state: 'finished', percentage: 50, waitsFor: null })
      await server.tick()
      expect(await actions(rolloutId)).toEqual([
        'owner: rollout.started 1',
        'plan: rollout.advanced 10',
        'plan: rollout.advanced 50',
        'plan: rollout.finished 50',
      ])
      expect(await announced(rolloutId)).toEqual([
        'rollout.started',
        'rollout.advanced',
        'rollout.advanced',
        'rollout.finished',
      ])
    })

    test('reaches devices at once, by the check of the next moment', async () => {
      const { rolloutId } = await publish({
        steps: [
          { percentage: 0, bakeMinutes: 60 },
          { percentage: 100, bakeMinutes: 0 },
        ],
      })
      expect((await server.check(app)).body.updateAvailable).toBe(false)
      clock.advance(HOUR_MS)
      await server.tick()
      expect((await status(rolloutId)).percentage).toBe(100)
      expect((await server.check(app)).body.updateAvailable).toBe(true)
    })

    test('comes with a promotion, too', async () => {
      const { releaseId } = await server.published(app, { bundle, channel: 'beta' })
      const body = { releaseId, channel: 'production', plan: { steps } }
      const placed = await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
      expect(placed).toMatchObject({ status: 201, body: { percentage: 1 } })
      expect(await status(placed.body.id)).toMatchObject({ state: 'running', step: 1 })
    })

    test('goes on within its windows only', async () => {
      // The clock stands in the first days of 2027, in winter.
      const windows = [{ timeZone: 'europe/berlin', days: [1, 2, 3, 4, 5, 6, 7], from: '09:00', to: '10:00' }]
      const { rolloutId } = await publish({ steps: [hour, { percentage: 100, bakeMinutes: 0 }], windows })
      const day = new Date(clock.now() + HOUR_MS)
      const opens = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() + 1, 8)
      clock.advance(opens - clock.now() - 1)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({
        step: 1,
        windows: [{ timeZone: 'Europe/Berlin' }],
        waitsFor: { for: 'window', until: new Date(opens).toISOString() },
      })
      clock.advance(1)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 2, percentage: 100 })
    })

    test('waits while its rollout is paused, and bakes anew when it is resumed', async () => {
      const { rolloutId, releaseId } = await publish({ steps: [{ ...hour, minimumSample: 1 }, ...steps.slice(1)] })
      await attempt(releaseId, 1)
      await move(rolloutId, 'pause')
      clock.advance(5 * HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ state: 'paused', step: 1, waitsFor: { for: 'paused' } })
      await move(rolloutId, 'resume')
      await server.tick()
      const until = new Date(clock.now() + HOUR_MS).toISOString()
      expect(await status(rolloutId)).toMatchObject({
        state: 'running',
        attempted: 0,
        waitsFor: { for: 'bake', until },
      })
      clock.advance(HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 1, waitsFor: { for: 'sample', missing: 1 } })
      await attempt(releaseId, 1)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ step: 2 })
    })

    test.each(['halt', 'withdraw'])('is over when its rollout is gone: %s', async (verb) => {
      const { rolloutId } = await publish({ steps })
      await move(rolloutId, verb)
      clock.advance(5 * HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ state: 'over', step: 1, percentage: 1, waitsFor: null })
      expect(await refusal(() => advance(rolloutId, 1))).toBe('409 rollout-state')
      expect(await refusal(() => move(rolloutId, 'finish'))).toBe('409 rollout-state')
    })

    test('is over when its release is archived', async () => {
      const { rolloutId, releaseId } = await publish({ steps })
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect(await status(rolloutId)).toMatchObject({ state: 'over', waitsFor: null })
    })

    test('does not go on while one that fails is before it in the round', async () => {
      const [broken, healthy] = [await publish({ steps }), await publish({ steps }, { version: '1.1.0' })]
      await db.updateTable('rollout_plan').set({ steps: '{' }).where('rollout_id', '=', broken.rolloutId).execute()
      clock.advance(HOUR_MS)
      await server.tick()
      expect(await status(healthy.rolloutId)).toMatchObject({ step: 2 })
      await move(broken.rolloutId, 'halt')
    })
  })

  describe('a person', () => {
    test('skips the wait of a step', async () => {
      const { rolloutId } = await publish({ steps })
      expect(await advance(rolloutId, 1)).toMatchObject({ status: 200, body: { percentage: 10 } })
      expect(await status(rolloutId)).toMatchObject({ step: 2, waitsFor: { for: 'bake' } })
      expect(await refusal(() => advance(rolloutId, 1))).toBe('409 plan-state')
      expect(await advance(rolloutId, 2)).toMatchObject({ body: { percentage: 50 } })
      expect(await refusal(() => advance(rolloutId, 3))).toBe('409 plan-state')
    })

    test('finishes it: it goes to its last step at once, and is theirs from then on', async () => {
      const { rolloutId } = await publish({ steps })
      expect(await move(rolloutId, 'finish')).toMatchObject({ status: 200, body: { percentage: 50 } })
      expect(await status(rolloutId)).toMatchObject({ state: 'finished', step: 3 })
      expect(await refusal(() => advance(rolloutId, 3))).toBe('409 plan-state')
      const before = await actions(rolloutId)
      expect((await move(rolloutId, 'finish')).status).toBe(200)
      expect(await actions(rolloutId)).toEqual(before)
      const changed = await server.request('PATCH', at(rolloutId), { body: { percentage: 75 } })
      expect(changed.body.percentage).toBe(75)
      clock.advance(24 * HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ percentage: 75, state: 'finished' })
      expect(await actions(rolloutId)).toEqual([
        'owner: rollout.started 1',
        'owner: rollout.finished 50',
        'owner: rollout.changed 75',
      ])
    })

    test('does not set the percentage while the plan does, but all the rest', async () => {
      const { rolloutId } = await publish({ steps })
      const patch = (body: unknown) => server.request('PATCH', at(rolloutId), { body })
      expect(await refusal(() => patch({ percentage: 100 }))).toBe('409 rollout-planned')
      expect((await patch({ mandatory: true })).body).toMatchObject({ mandatory: true, percentage: 1 })
    })

    test('cannot move the plan of a rollout that is paused', async () => {
      const { rolloutId } = await publish({ steps })
      await move(rolloutId, 'pause')
      expect(await refusal(() => advance(rolloutId, 1))).toBe('409 rollout-state')
      expect(await refusal(() => move(rolloutId, 'finish'))).toBe('409 rollout-state')
    })

    test('needs the role of a publisher, and an app of theirs', async () => {
      const { rolloutId } = await publish({ steps })
      const token = await server.createToken({ role: 'reader' })
      expect((await server.request('GET', at(rolloutId, '/plan'), { token })).status).toBe(200)
      const finish = (token: string) => server.request('POST', at(rolloutId, '/finish'), { token })
      expect(problemOf(await finish(token))).toBe('403 forbidden')
      const other = await server.createTestApp()
      expect(problemOf(await finish(await server.createToken({ role: 'publisher', app: other.slug })))).toBe(
        '403 forbidden',
      )
    })

    test.each<[string, unknown]>([
      ['no step named', {}],
      ['a step before the first', { fromStep: 0 }],
      ['a step that is text', { fromStep: '1' }],
      ['a field that is not known', { fromStep: 1, toStep: 4 }],
    ])('is refused with %s', async (_case, body) => {
      const { rolloutId } = await publish({ steps })
      const post = () => server.request('POST', at(rolloutId, '/advance'), { body })
      expect(await refusal(post)).toBe('400 invalid-request')
    })

    test('is told when there is no plan, or no rollout', async () => {
      const { rolloutId } = await server.published(app, { bundle })
      expect(problemOf(await server.request('GET', at(rolloutId, '/plan')))).toBe('404 plan-not-found')
      expect(await refusal(() => advance(rolloutId, 1))).toBe('404 plan-not-found')
      expect(await refusal(() => move(rolloutId, 'finish'))).toBe('404 plan-not-found')
      expect(await refusal(() => advance(UNKNOWN, 1))).toBe('404 rollout-not-found')
    })
  })

  describe('a scheduled rollout', () => {
    const inAnHour = () => new Date(clock.now() + HOUR_MS).toISOString()

    test('starts at its time, and its plan with it', async () => {
      const { rolloutId } = await publish({ steps }, { startsAt: inAnHour() })
      expect(await status(rolloutId)).toMatchObject({
        state: 'scheduled',
        stepStartedAt: null,
        waitsFor: { for: 'start', until: inAnHour() },
      })
      await server.tick()
      expect(await refusal(() => advance(rolloutId, 1))).toBe('409 plan-state')
      expect(await announced(rolloutId)).toEqual([])
      clock.advance(HOUR_MS)
      await server.tick()
      expect(await status(rolloutId)).toMatchObject({ state: 'running', step: 1, waitsFor: { until: inAnHour() } })
      await server.tick()
      expect(await announced(rolloutId)).toEqual(['rollout.started'])
      expect(await actions(rolloutId)).toEqual(['owner: rollout.scheduled 1', 'plan: rollout.started 1'])
    })

    test('is told to start once, whether it has a plan or not, and whenever its start is moved to', async () => {
      const { rolloutId } = await server.published(app, { bundle, startsAt: inAnHour() })
      await server.request('PATCH', at(rolloutId), { body: { startsAt: null } })
      expect(await announced(rolloutId)).toEqual(['rollout.changed'])
      for (let round = 0; round < 3; round += 1) await server.tick()
      expect(await announced(rolloutId)).toEqual(['rollout.changed', 'rollout.started'])
    })

    test('that is paused at that time starts when it is resumed', async () => {
      const { rolloutId } = await publish({ steps }, { startsAt: inAnHour() })
      await move(rolloutId, 'pause')
      clock.advance(2 * HOUR_MS)
      await server.tick()
      expect(await announced(rolloutId)).toEqual(['rollout.paused'])
      await move(rolloutId, 'resume')
      await server.tick()
      expect(await announced(rolloutId)).toEqual(['rollout.paused', 'rollout.resumed', 'rollout.started'])
      expect(await status(rolloutId)).toMatchObject({ state: 'running', waitsFor: { for: 'bake', until: inAnHour() } })
    })

    test('that was halted before never starts', async () => {
      const { rolloutId } = await publish({ steps }, { startsAt: inAnHour() })
      await move(rolloutId, 'halt')
      clock.advance(2 * HOUR_MS)
      await server.tick()
      expect(await announced(rolloutId)).toEqual(['rollout.halted'])
    })
  })

  describe('what is no plan changes nothing:', () => {
    const window = { timeZone: 'UTC', days: [1], from: '09:00', to: '17:00' }
    test.each<[string, Record<string, unknown>]>([
      ['no steps', { plan: { steps: [] } }],
      [
        '21 steps',
        { plan: { steps: Array.from({ length: 21 }, (_, index) => ({ percentage: index, bakeMinutes: 0 })) } },
      ],
      ['a percentage above 100', { plan: { steps: [{ percentage: 101, bakeMinutes: 0 }] } }],
      ['percentages that do not rise', { plan: { steps: [hour, hour] } }],
      ['percentages that fall', { plan: { steps: [{ ...hour, percentage: 5 }, hour] } }],
      ['no bake time', { plan: { steps: [{ percentage: 1 }] } }],
      ['a bake time below nothing', { plan: { steps: [{ percentage: 1, bakeMinutes: -1 }] } }],
      ['a bake time of years', { plan: { steps: [{ percentage: 1, bakeMinutes: 1_000_000 }] } }],
      ['half a device', { plan: { steps: [{ ...hour, minimumSample: 0.5 }] } }],
      ['an unknown field', { plan: { steps: [{ ...hour, colour: 'red' }] } }],
      ['a percentage beside it', { plan: { steps }, percentage: 100 }],
      ['15 windows', { plan: { steps, windows: Array.from({ length: 15 }, () => window) } }],
      ['a zone that is none', { plan: { steps, windows: [{ ...window, timeZone: 'Europe/Atlantis' }] } }],
      ['an offset for a zone', { plan: { steps, windows: [{ ...window, timeZone: '+01:00' }] } }],
      ['an eighth day', { plan: { steps, windows: [{ ...window, days: [8] }] } }],
      ['no day', { plan: { steps, windows: [{ ...window, days: [] }] } }],
      ['a day twice', { plan: { steps, windows: [{ ...window, days: [1, 1] }] } }],
      ['an hour that is none', { plan: { steps, windows: [{ ...window, from: '25:00' }] } }],
      ['a window of no time', { plan: { steps, windows: [{ ...window, to: '09:00' }] } }],
    ])('%s', async (_case, changes) => {
      const metadata = changes as { plan: RolloutPlan }
      expect(await refusal(() => server.publish(app, { bundle, ...metadata }))).toBe('400 invalid-request')
      const { releaseId } = await server.published(app, { bundle, channel: 'beta', version: '2.0.0' })
      const body = { releaseId, channel: 'production', ...changes }
      const place = () => server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body })
      expect(await refusal(place)).toBe('400 invalid-request')
    })
  })

  describe('the peers’ traps', () => {
    test('a newer rollout never waits for an older one', async () => {
      const older = await publish({ steps })
      const newer = await publish(
        {
          steps: [
            { percentage: 5, bakeMinutes: 0 },
            { percentage: 100, bakeMinutes: 0 },
          ],
        },
        { version: '1.1.0' },
      )
      await server.tick()
      expect(await status(older.rolloutId)).toMatchObject({ step: 1, percentage: 1 })
      expect(await status(newer.rolloutId)).toMatchObject({ step: 2, percentage: 100 })
      expect((await server.check(app)).body).toMatchObject({ updateAvailable: true, version: '1.1.0' })
    })

    test('the first rollout of a channel may be partial', async () => {
      await publish({ steps: [{ percentage: 50, bakeMinutes: 60 }] })
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) => server.check(app, { deviceId: `first-${index}` })),
      )
      const offered = answers.filter(({ body }) => body.updateAvailable).length
      expect(offered).toBeGreaterThan(25)
      expect(offered).toBeLessThan(75)
    })

    test('a device that was offered it, and never came back, is offered it again at every check', async () => {
      const { releaseId } = await publish({ steps: [{ percentage: 100, bakeMinutes: 0 }] })
      for (let day = 0; day < 3; day += 1) {
        expect((await server.check(app)).body).toMatchObject({ updateAvailable: true, releaseId })
        await server.report(app, { releaseId, status: 'download_started' })
        clock.advance(24 * HOUR_MS)
        await server.tick()
      }
      expect((await server.check(app)).body).toMatchObject({ updateAvailable: true, releaseId })
    })
  })
})
