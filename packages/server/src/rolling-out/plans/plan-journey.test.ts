import type { App, PublishedRelease, RolloutPlanStatus } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, fixedClock, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { MINUTE_MS } from '../../ground/clock.ts'

const DEVICES = 200

/** Devices that check every half hour: who is offered something tries it at once, and tells what became of it. */
describeOnEveryDatabase('a plan with a fleet', (openDatabase) => {
  const clock = fixedClock()
  let server: TestServer
  let app: App
  let running: Map<string, string>

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase(), clock })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    // The same devices go first whenever the test runs.
    app = await server.createTestApp({ trust: { observedMinutes: 0 }, bucketing: 'per-app' })
    running = new Map()
  })

  const steps = [
    { percentage: 1, bakeMinutes: 60, minimumSample: 1 },
    { percentage: 10, bakeMinutes: 60, minimumSample: 10 },
    { percentage: 50, bakeMinutes: 120, minimumSample: 60 },
    { percentage: 100, bakeMinutes: 60 },
  ]
  const publish = async (version: string, more: Record<string, unknown>): Promise<PublishedRelease> =>
    server.published(app, { bundle: await bundleOf(version), version, ...more })
  const statusOf = async (rolloutId: string): Promise<RolloutPlanStatus> =>
    (await server.request('GET', `/manage/v1/rollouts/${rolloutId}/plan`)).body

  async function checkOnce(deviceId: string, outcome: (releaseId: string) => string): Promise<void> {
    const { body } = await server.check(app, { deviceId, ...given(running.get(deviceId)) })
    if (!body.updateAvailable) return
    const { releaseId } = body
    const reported = outcome(releaseId)
    if (reported === 'confirmed') running.set(deviceId, releaseId)
    await server.report(app, { deviceId, releaseId, status: reported })
  }

  /** Half an hour: everybody checks once, then the server looks after itself. */
  async function passHalfAnHour(outcome: (releaseId: string) => string): Promise<void> {
    clock.advance(30 * MINUTE_MS)
    for (let device = 0; device < DEVICES; device += 100) {
      const some = Array.from({ length: 100 }, (_, index) => `device-${device + index}`)
      await Promise.all(some.map((deviceId) => checkOnce(deviceId, outcome)))
    }
    await server.tick()
  }

  test('reaches everybody, each step only when it has baked and been tried', async () => {
    const { rolloutId, releaseId } = await publish('1.0.0', { plan: { steps } })
    let before = await statusOf(rolloutId)
    let begun = clock.now()
    for (let halfHours = 0; before.state !== 'finished' && halfHours < 40; halfHours += 1) {
      const ran = running.size
      await passHalfAnHour(() => 'confirmed')
      const after = await statusOf(rolloutId)
      if (after.step === before.step) {
        before = after
        continue
      }
      const { bakeMinutes, minimumSample = 0 } = steps[before.step - 1] ?? { bakeMinutes: Number.NaN }
      expect(after.step).toBe(before.step + 1)
      expect(clock.now() - begun).toBeGreaterThanOrEqual(bakeMinutes * MINUTE_MS)
      expect(before.attempted + running.size - ran).toBeGreaterThanOrEqual(minimumSample)
      ;[before, begun] = [after, clock.now()]
    }
    expect(before).toMatchObject({ state: 'finished', step: 4, percentage: 100 })
    await passHalfAnHour(() => 'confirmed')
    expect([...running.values()].filter((id) => id === releaseId)).toHaveLength(DEVICES)
  })

  test('stops where its guard trips: nobody else gets the bad release', async () => {
    await publish('1.0.0', {})
    for (let halfHours = 0; halfHours < 2; halfHours += 1) await passHalfAnHour(() => 'confirmed')
    const bad = await publish('1.1.0', { plan: { steps }, guard: { action: 'pause', minimumSample: 10 } })
    const crashes = (releaseId: string) => (releaseId === bad.releaseId ? 'rolled_back' : 'confirmed')
    for (let halfHours = 0; halfHours < 9; halfHours += 1) await passHalfAnHour(crashes)
    const found = await statusOf(bad.rolloutId)
    expect(found).toMatchObject({ state: 'paused', isGuardGreen: false, waitsFor: { for: 'paused' } })
    expect(found.percentage).toBeLessThanOrEqual(10)
    const { body } = await server.request('GET', `/manage/v1/audit?subjectId=${bad.rolloutId}`)
    const actions = (body.items as { action: string }[]).map(({ action }) => action)
    expect(actions.indexOf('rollout.advanced')).toBeGreaterThan(actions.indexOf('guard.tripped'))
    expect(actions).not.toContain('rollout.finished')
    // A plan that may not go on has not harmed more than those of its step.
    expect(found.attempted).toBeLessThan(DEVICES * 0.2)
  })

  test('waits for a person when its guard only tells', async () => {
    const bad = await publish('1.0.0', { plan: { steps }, guard: { action: 'notify', minimumSample: 10 } })
    for (let halfHours = 0; halfHours < 7; halfHours += 1) await passHalfAnHour(() => 'crashed')
    const found = await statusOf(bad.rolloutId)
    expect(found).toMatchObject({ state: 'running', percentage: 10, isGuardGreen: false, waitsFor: { for: 'guard' } })
    const advanced = await server.request('POST', `/manage/v1/rollouts/${bad.rolloutId}/advance`, {
      body: { fromStep: found.step },
    })
    expect(advanced.body).toMatchObject({ percentage: 50 })
  })
})

function given(releaseId: string | undefined) {
  return releaseId === undefined ? {} : { releaseId }
}
