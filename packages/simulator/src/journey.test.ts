import type { Announcement, Release } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { createWorld, DAY_MS, HOUR_MS } from './testing/world-suite.ts'

const DEVICES = 200
const TICK_MS = 10 * 60_000

/** A server and a fleet that share their time; what the server does by itself it does every ten minutes. */
async function createLivingWorld(badRate: number) {
  const world = await createWorld({
    devices: DEVICES,
    seed: 'journey',
    profile: {
      checkIntervalMs: 4 * HOUR_MS,
      offlineRate: 0.05,
      brokenDownloadRate: 0.05,
      skewedRate: 0.05,
      crashes: 'per-device',
      crashRate: (version) => (version === '1.1.0' ? badRate : 0.005),
    },
  })
  const { server, fleet, app } = world
  let tickedAt = 0

  async function live(durationMs: number) {
    await fleet.run({
      durationMs,
      onProgress: async (now) => {
        if (now - tickedAt < TICK_MS) return
        tickedAt = now
        await server.tick()
      },
    })
    await server.tick()
  }

  const get = async (path: string) => (await server.request('GET', `/manage/v1${path}`)).body
  const announced = async (): Promise<string[]> =>
    ((await get(`/announcements?app=${app.slug}&limit=200`)) as { items: Announcement[] }).items.map(({ type }) => type)
  return { ...world, live, get, announced }
}

test('a plan brings a good release to everybody, with nobody at the keyboard', async () => {
  const { live, publish, fleet, get, announced } = await createLivingWorld(0.005)
  await publish('1.0.0')
  await live(DAY_MS)
  expect(fleet.figures().versions['1.0.0']).toBeGreaterThan(DEVICES * 0.95)

  const steps = [
    { percentage: 10, bakeMinutes: 120, minimumSample: 5 },
    { percentage: 50, bakeMinutes: 120, minimumSample: 30 },
    { percentage: 100, bakeMinutes: 60 },
  ]
  const { rolloutId } = await publish('1.1.0', { plan: { steps } })
  await live(3 * DAY_MS)
  expect(fleet.figures().versions['1.1.0']).toBeGreaterThan(DEVICES * 0.95)
  expect(await get(`/rollouts/${rolloutId}`)).toMatchObject({ percentage: 100, state: 'active' })
  expect(await get(`/rollouts/${rolloutId}/plan`)).toMatchObject({ state: 'finished' })
  expect(await announced()).toEqual(expect.arrayContaining(['rollout.advanced', 'rollout.finished']))
  expect(await announced()).not.toContain('guard.tripped')
})

test('a guard stops a bad release before everybody has it, and the devices run the one before', async () => {
  const { live, publish, fleet, get, announced } = await createLivingWorld(0.5)
  const { releaseId } = await publish('1.0.0')
  await live(DAY_MS)
  const before: Release = await get(`/releases/${releaseId}`)

  const guard = { action: 'roll-back', minimumSample: 20, maxBadPercent: 5 }
  const plan = {
    steps: [
      { percentage: 30, bakeMinutes: 24 * 60 },
      { percentage: 100, bakeMinutes: 60 },
    ],
  }
  const bad = await publish('1.1.0', { plan, guard }, before)
  await live(3 * DAY_MS)

  expect(await announced()).toEqual(expect.arrayContaining(['guard.tripped', 'rollout.halted', 'rollback']))
  expect(await get(`/rollouts/${bad.rolloutId}`)).toMatchObject({ state: 'halted', percentage: 30 })
  const { trip } = await get(`/rollouts/${bad.rolloutId}/guard`)
  expect(trip).toMatchObject({ action: 'roll-back', figures: { sample: expect.any(Number) } })
  expect(trip.figures.sample).toBeLessThan(60)
  const { versions, crashes, rolledBack } = fleet.figures()
  expect(versions['1.1.0']).toBeUndefined()
  expect(versions['1.0.0']).toBeGreaterThan(DEVICES * 0.95)
  expect(rolledBack).toBeGreaterThan(10)
  expect(crashes).toBeLessThanOrEqual(2 * DEVICES * 0.4)
})
