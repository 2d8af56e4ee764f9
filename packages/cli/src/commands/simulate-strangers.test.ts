import type { Guard, Rollout } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

// The simulation tells the networks as a proxy would.
const server = useServer({ HOTPATCH_TRUST_PROXY: '127.0.0.1', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' })

interface Strangers {
  checks: number
  reports: number
  rollout: Rollout
  guard: Guard
}

async function createShop() {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  await publisher.write({ 'dist/index.android.bundle': 'bundle' })
  const publish = (...options: string[]) =>
    publisher.json('release', '--platform', 'android', '--bundle-dir', 'dist', '--yes', ...options)
  const strangers = (options: string) => publisher.json<Strangers>(`simulate --stranger-version 1.0.0 ${options}`)
  /** What the guard and the plan make of it, after a round of theirs. */
  const rollout = async (of: Strangers): Promise<Rollout> => {
    await server.tick()
    return publisher.json<Rollout>(`rollouts show ${of.rollout.id}`)
  }
  return { ...publisher, publish, strangers, rollout }
}

describe('invented devices', () => {
  test('a hundred that say they rolled back do not stop a release', async () => {
    const { publish, strangers, rollout } = await createShop()
    await publish('--version', '1.0.0', '--guard', 'roll-back')
    const sent = await strangers('--strangers 100 --strangers-say rolled_back --stranger-networks 100')
    expect(sent).toMatchObject({ checks: 0, reports: 100 })
    expect(sent.guard.figures).toMatchObject({ sample: 0, leftOut: { devices: 100, bad: 100, notOffered: 100 } })
    expect(await rollout(sent)).toMatchObject({ state: 'active' })
    const checked = await strangers('--strangers 100 --strangers-check --strangers-say rolled_back --seed other')
    expect(checked.guard.figures).toMatchObject({ sample: 0, leftOut: { notOffered: 100, tooNew: 100 } })
    expect(await rollout(checked)).toMatchObject({ state: 'active' })
  })

  test('forty that say they confirmed do not widen a plan', async () => {
    const { publish, strangers, rollout } = await createShop()
    await publish('--version', '1.0.0', '--plan', '1%:0m:10,100%')
    const sent = await strangers('--strangers 40 --strangers-say confirmed --stranger-networks 40')
    expect(sent).toMatchObject({ reports: 40 })
    expect(await rollout(sent)).toMatchObject({ percentage: 1 })
  })

  test('that were there before decide from so many networks on as the documentation says', async () => {
    const { publish, json, strangers, rollout, app } = await createShop()
    await publish('--version', '0.9.0')
    // Fifty healthy phones and two hundred invented ones, before the release is there.
    const phones = '--strangers 50 --stranger-networks 50 --seed phone --strangers-check'
    const invented = (networks: number) =>
      `--strangers 200 --stranger-networks ${networks} --seed bad-${networks} --strangers-check`
    const before = '--stranger-version 0.9.0'
    const settle = () => json(`devices list --app ${app.slug} --limit 1`)
    await json(`simulate ${before} ${phones}`)
    for (const networks of [3, 100]) await json(`simulate ${before} ${invented(networks)}`)
    await settle()
    await publish('--version', '1.0.0', '--guard-times', 'off')
    await strangers(`${phones} --strangers-say confirmed`)
    const few = await strangers(`${invented(3)} --strangers-say rolled_back`)
    // Three of each of their networks, in which a phone was first.
    expect(few.guard.figures).toMatchObject({ sample: 56, bad: 6, leftOut: { sameNetwork: 194 } })
    expect(await rollout(few)).toMatchObject({ state: 'active' })
    const many = await strangers(`${invented(100)} --strangers-say rolled_back`)
    expect(await rollout(many)).toMatchObject({ state: 'paused' })
  })

  test.each([
    ['--strangers 10', /--stranger-version 1\.2\.0/],
    ['--strangers 10 --stranger-version 1.0.0 --stranger-networks 600', /1 to 512/],
  ])('refuses %s', async (options, message) => {
    const { run } = await createShop()
    const { exitCode, stderr } = await run(`simulate ${options}`)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
  })
})
