import type { App, Guard, Impact, Rollout, RolloutPlanStatus, RolloutReach } from '@hotpatch/api'
import { readKitManifest } from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  publishKit,
  startTestServer,
  type PublishedKit,
  type TestServer,
  type TestSigningKey,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { MINUTE_MS } from '../../ground/clock.ts'

const INSTALLATIONS = 100

/** Installations that ask twice an hour: who is offered something applies it at once, and tells what became of it. */
describeOnEveryDatabase('rollouts of kits', (openDatabase) => {
  const clock = fixedClock()
  let server: TestServer
  let app: App
  let key: TestSigningKey
  /** What each runs, and the highest sequence that it has confirmed. */
  let running: Map<string, { release: string; sequence: number }>

  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: await openDatabase(), clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    // The same installations go first whenever the test runs.
    app = await server.createTestApp({ platforms: ['linux'], trust: { observedMinutes: 0 }, bucketing: 'per-app' })
    await server.request('POST', `/manage/v1/apps/${app.slug}/channels`, { body: { name: 'stable' } })
    key = newSigningKey()
    running = new Map()
  })

  const steps = [
    { percentage: 10, bakeMinutes: 60, minimumSample: 1 },
    { percentage: 50, bakeMinutes: 60, minimumSample: 10 },
    { percentage: 100, bakeMinutes: 60 },
  ]
  const publish = (releaseId: string, sequence: number, more: object = {}) =>
    publishKit(server, app, {
      key,
      sequence,
      components: { web: { bytes: `web ${releaseId}` }, gateway: { bytes: `gateway ${releaseId}` } },
      release: { releaseId, minInstallerVersion: '1.4' },
      ...more,
    })
  const get = async (path: string) => (await server.request('GET', `/manage/v1/${path}`)).body
  const planOf = (rolloutId: string): Promise<RolloutPlanStatus> => get(`rollouts/${rolloutId}/plan`)
  const rolloutsOf = async (): Promise<Rollout[]> => (await get(`apps/${app.slug}/rollouts`)).items
  const post = async (path: string, body: object) =>
    (await server.request('POST', `/manage/v1/apps/${app.slug}/${path}`, { body })).body

  function ask(id: string, installer = '1.4.0') {
    const runs = running.get(id)
    return server.request('GET', '/personal-kit/stable/latest.json', {
      token: null,
      headers: {
        'x-app-key': app.appKey,
        'x-install-id': id,
        'x-installer-version': installer,
        'x-kit-platform': 'linux',
        'x-kit-architecture': 'x64',
        ...(runs && { 'x-kit-release': runs.release, 'x-kit-sequence': String(runs.sequence), 'x-kit-floor': '0' }),
      },
    })
  }

  async function takeOffer(id: string, isBad: (release: string) => boolean): Promise<void> {
    const { releaseId: release, sequence } = readKitManifest(JSON.stringify((await ask(id)).body))
    const runs = running.get(id)
    if (runs?.release === release) return
    const failed = isBad(release)
    const event = (kind: string, more: object = {}) => ({
      id: `${id}-${sequence}-${kind}`,
      kind,
      version: release,
      ...more,
    })
    const events = failed
      ? [event('downloaded'), event('rolled-back', { code: 'probe-failed' })]
      : [event('downloaded'), event('applied'), event('confirmed')]
    const component = { component: 'gateway', ...(failed && { code: 'probe-failed' }) }
    const ofGateway = { ...event(failed ? 'failed' : 'confirmed', component), id: `${id}-${sequence}-gateway` }
    const { body } = await server.request('POST', '/events', {
      token: null,
      headers: { 'x-app-key': app.appKey },
      body: { deviceId: id, platform: 'linux', channel: 'stable', events: [...events, ofGateway] },
    })
    expect(body.rejected).toEqual([])
    if (!failed) running.set(id, { release, sequence })
  }

  /** Everybody asks once, then the server looks after itself. */
  async function passHalfAnHour(isBad: (release: string) => boolean = () => false): Promise<void> {
    clock.advance(30 * MINUTE_MS)
    for (let index = 0; index < INSTALLATIONS; index += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, offset) => takeOffer(`home-${index + offset}`, isBad)))
    }
    await server.tick()
  }

  const countOn = (release: string) => [...running.values()].filter((each) => each.release === release).length

  test('widen step by step, and go back by what their publisher has signed in advance when the guard trips', async () => {
    const first = await publish('1', 1)
    await passHalfAnHour()
    expect(countOn('1')).toBe(INSTALLATIONS)
    const guard = { action: 'roll-back', minimumSample: 10 }
    const second = await publish('2', 2, { metadata: { plan: { steps }, guard }, goesBackTo: first.signedContent })
    const before: Guard = await get(`rollouts/${second.rolloutId}/guard`)
    expect(before.prepared).toEqual([{ version: '1', sequence: 3 }])
    // The first tenth is well; what comes after it finds a gateway that is not.
    for (let halfHours = 0; (await planOf(second.rolloutId)).percentage < 50; halfHours += 1) {
      if (halfHours === 8) throw new Error('The plan has not widened.')
      await passHalfAnHour()
    }
    const few = countOn('2')
    expect(few).toBeGreaterThan(0)
    expect(few).toBeLessThan(INSTALLATIONS / 4)
    await passHalfAnHour((release) => release === '2')

    const tripped: Guard = await get(`rollouts/${second.rolloutId}/guard`)
    expect(tripped).toMatchObject({ state: 'tripped', trip: { backTo: { version: '1', sequence: 3 } } })
    const [placed, halted] = await rolloutsOf()
    expect(placed).toMatchObject({ version: '1', sequence: 3, state: 'active' })
    expect(halted).toMatchObject({ id: second.rolloutId, state: 'halted' })
    expect((await planOf(second.rolloutId)).percentage).toBe(50)
    const { components } = await get(`rollouts/${second.rolloutId}/components`)
    const gateway = components.find(({ id }: { id: string }) => id === 'gateway')
    expect(gateway).toMatchObject({ confirmed: few, codes: [{ code: 'probe-failed', devices: gateway.failed }] })
    expect(gateway.failed).toBeGreaterThan(0)

    await passHalfAnHour()
    expect([countOn('1'), countOn('2')]).toEqual([INSTALLATIONS, 0])
    // Those that have seen the second took the first as it was stated again.
    expect([...running.values()].filter(({ sequence }) => sequence === 3).length).toBeGreaterThanOrEqual(few)
  })

  test('are foretold: whom one reaches, and who goes back from it', async () => {
    const first = await publish('1', 1)
    await passHalfAnHour()
    for (let index = 0; index < 5; index += 1) expect((await ask(`old-${index}`, '1.3')).status).toBe(404)
    const place = { platform: 'any', channel: 'stable' }
    const previewOf = (wanted: object): Promise<RolloutReach> => post('rollouts/preview', { ...place, ...wanted })
    const tooOld = [{ reason: 'native-too-old', explanation: expect.any(String), devices: 5 }]
    expect(await previewOf({ kind: 'kit', minNativeVersion: '1.4' })).toMatchObject({
      reached: INSTALLATIONS,
      missed: tooOld,
    })
    expect(await previewOf({ releaseId: first.releaseId })).toMatchObject({
      alreadyRunning: INSTALLATIONS,
      missed: tooOld,
    })

    const second: PublishedKit = await publish('2', 2, { goesBackTo: first.signedContent })
    // At the next check they tell that they have confirmed it.
    for (let checks = 0; checks < 2; checks += 1) await passHalfAnHour()
    expect(countOn('2')).toBe(INSTALLATIONS)
    const impactOf = (question: object): Promise<Impact> => post('impact', question)
    const moves = [{ from: '2', to: '1', devices: INSTALLATIONS }]
    const { rolloutId } = second
    expect(await impactOf({ change: 'step-back', rolloutId })).toMatchObject({ goBack: INSTALLATIONS, moves })
    // Halted without a word of its publisher, it leaves them where they are: what was before is below what they have seen.
    expect(await impactOf({ change: 'halt', rolloutId })).toMatchObject({
      goBack: 0,
      cannotTake: [{ reason: 'below-high-water', devices: INSTALLATIONS }],
      wayOut: { version: '1', sequence: 4, stranded: 0 },
    })
    const { placed } = (await server.request('POST', `/manage/v1/rollouts/${rolloutId}/step-back`)).body
    expect(placed).toMatchObject({ version: '1', sequence: 3 })
    await passHalfAnHour()
    expect(countOn('1')).toBe(INSTALLATIONS)
  })
})
