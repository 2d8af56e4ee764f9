import type { App, InForce, Rollout, RolloutDeed } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

describeOnEveryDatabase('what people see of rollouts', (openDatabase) => {
  let server: TestServer
  let app: App

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase(), clock: fixedClock() })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const get = async <Answer>(path: string): Promise<Answer> => (await server.request('GET', `/manage/v1${path}`)).body
  const patch = (id: string, body: unknown) => server.request('PATCH', `/manage/v1/rollouts/${id}`, { body })
  const move = (id: string, path: string) => server.request('POST', `/manage/v1/rollouts/${id}/${path}`)
  const publish = async (version: string, changes: Record<string, unknown> = {}) =>
    server.published(app, { version, bundle: await bundleOf(version), ...changes })

  test('of two who change a rollout at once, the second is told, and nothing of his is done', async () => {
    const { rolloutId } = await publish('1.0.0', { percentage: 10 })
    expect(await get<Rollout>(`/rollouts/${rolloutId}`)).toMatchObject({ revision: 1 })
    expect((await patch(rolloutId, { percentage: 20, revision: 1 })).body).toMatchObject({ revision: 2 })
    const late = await patch(rolloutId, { percentage: 50, revision: 1 })
    expect([problemOf(late), late.body.revision]).toEqual(['409 rollout-changed', 2])
    expect(problemOf(await move(rolloutId, 'halt?revision=1'))).toBe('409 rollout-changed')
    expect(problemOf(await move(rolloutId, 'step-back?revision=1'))).toBe('409 rollout-changed')
    expect(await get<Rollout>(`/rollouts/${rolloutId}`)).toMatchObject({ percentage: 20, state: 'active', revision: 2 })
    expect((await move(rolloutId, 'pause?revision=2')).body).toMatchObject({ state: 'paused', revision: 3 })
    expect(problemOf(await patch(rolloutId, { revision: 3 }))).toBe('400 invalid-request')
  })

  test('who did what to it, newest first and page by page, and of forced devices only how many', async () => {
    const { rolloutId } = await publish('1.0.0', { percentage: 10 })
    await patch(rolloutId, { percentage: 20, devices: ['a', 'b'] })
    await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}/guard`, { body: { maxBadPercent: 3 } })
    await move(rolloutId, 'pause')
    const first = await get<{ items: RolloutDeed[]; nextCursor: string }>(`/rollouts/${rolloutId}/deeds?limit=2`)
    const path = `/rollouts/${rolloutId}/deeds?limit=2&cursor=${first.nextCursor}`
    const second = await get<{ items: RolloutDeed[]; nextCursor: null }>(path)
    const deeds = [...first.items, ...second.items]
    expect(second.nextCursor).toBeNull()
    expect(deeds.map(({ action, by }) => [action, by])).toEqual([
      ['rollout.paused', 'owner'],
      ['guard.changed', 'owner'],
      ['rollout.changed', 'owner'],
      ['rollout.started', 'owner'],
    ])
    expect(deeds[0]?.changes).toEqual([{ field: 'state', before: 'active', after: 'paused' }])
    expect(deeds[2]?.changes).toEqual([
      { field: 'percentage', before: 10, after: 20 },
      { field: 'devices', before: 0, after: 2 },
    ])
    const token = await server.createToken({ role: 'reader', app: (await server.createTestApp()).slug })
    const foreign = await server.request('GET', `/manage/v1/rollouts/${rolloutId}/deeds`, { token })
    expect(problemOf(foreign)).toBe('403 forbidden')
  })

  test('what a channel offers now, down to what is for everybody, platform by platform', async () => {
    await publish('1.0.0')
    const second = await publish('1.1.0')
    const third = await publish('1.2.0', { percentage: 10 })
    const halted = await publish('1.3.0', { percentage: 5 })
    await move(halted.rolloutId, 'halt')
    await publish('1.4.0', { startsAt: '2099-01-01T00:00:00Z' })
    const { items } = await get<InForce>(`/apps/${app.slug}/channels/production/in-force`)
    const shown = items.map(({ platform, rollouts, reachesAll }) => [
      platform,
      rollouts.map(({ version }) => version),
      reachesAll,
    ])
    expect(shown).toEqual([
      ['android', [third.version, second.version], true],
      ['ios', [], false],
    ])
    const nowhere = await server.request('GET', `/manage/v1/apps/${app.slug}/channels/nowhere/in-force`)
    expect(problemOf(nowhere)).toBe('404 channel-not-found')
  })

  test('where its plan stands, in the list as well', async () => {
    const step = (percentage: number) => ({ percentage, bakeMinutes: 10 })
    const { rolloutId } = await publish('1.0.0', { plan: { steps: [step(5), step(50), step(100)] } })
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/advance`, { body: { fromStep: 1 } })
    const { items } = await get<{ items: Rollout[] }>(`/apps/${app.slug}/rollouts`)
    expect(items[0]).toMatchObject({ percentage: 50, plan: { state: 'running', step: 2, steps: 3 } })
  })

  test('what goes back to embedded may be for some only, later, and by a plan', async () => {
    const { releaseId } = await publish('1.0.0')
    const to = { platform: 'android', channel: 'production', to: 'embedded' }
    const rollBack = (changes: Record<string, unknown>) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body: { ...to, ...changes } })
    const forced = await rollBack({ percentage: 0, devices: ['device-1'] })
    expect(forced.body).toMatchObject({ target: 'embedded', percentage: 0, devices: ['device-1'] })
    const offered = async (deviceId: string) =>
      (await server.check(app, { deviceId, releaseId, version: '1.0.0' })).body
    expect(await offered('device-1')).toMatchObject({ rollBackTo: 'embedded' })
    expect((await offered('device-2')).rollBackTo).toBeUndefined()
    const plan = {
      steps: [
        { percentage: 10, bakeMinutes: 5 },
        { percentage: 100, bakeMinutes: 5 },
      ],
    }
    expect((await rollBack({ plan })).body).toMatchObject({ percentage: 10, plan: { step: 1, steps: 2 } })
    expect(problemOf(await rollBack({ plan, percentage: 5 }))).toBe('400 invalid-request')
  })
})
