import type { Adoption, Overview, PublishedRelease, Reasons, VersionDistribution } from '@hotpatch/api'
import { eventually } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

type Publisher = Awaited<ReturnType<typeof server.createPublisher>>

/** Three devices that check; the first two take the release, and one of them crashes. */
async function playFleet({ app }: Publisher, { releaseId }: PublishedRelease): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
  const post = async (path: string, body: object) => {
    const answer = await fetch(server.url() + path, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(answer.status).toBeLessThan(300)
  }
  const device = (id: string) => ({ appId: app.id, deviceId: id, platform: 'android', channel: 'production' })
  for (const id of ['a', 'b', 'c']) await post('/update/check', { ...device(id), version: '1.0.0' })
  for (const [id, ...statuses] of [
    ['a', 'applied', 'confirmed'],
    ['b', 'applied', 'crashed'],
  ] as const) {
    for (const kind of statuses) {
      const event = { id: `${id}-${kind}`, kind, releaseId, occurredAt: new Date().toISOString() }
      await post('/events', { ...device(id), events: [event] })
    }
  }
}

/** A publisher whose fleet has shown itself. */
async function prepareFleet() {
  const tool = await server.createPublisher()
  await tool.write({ 'dist/index.android.bundle': 'bundle' })
  const release = await tool.json<PublishedRelease>(
    'release --platform android --version 1.1.0 --bundle-dir dist --yes',
  )
  await playFleet(tool, release)
  // What devices do is written in batches, a little later.
  await eventually(
    async () => expect(await tool.json<Adoption>('adoption')).toMatchObject({ attempted: 2, offered: 3 }),
    { everyMs: 200 },
  )
  return { tool, release }
}

describe('the fleet', () => {
  test('is shown at a glance', async () => {
    const { tool } = await prepareFleet()
    const { stdout, exitCode } = await tool.run('stats')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^day +3 +0 +-$/m)
    expect(stdout).toMatch(/^known devices +3$/m)
    expect(stdout).toMatch(/^Active by day {2}▁+█$/m)
    expect(stdout).toMatch(/^Versions that devices run now$/m)
    const found = await tool.json<{ overview: Overview; versions: VersionDistribution; reasons: Reasons }>('stats')
    expect(found.overview).toMatchObject({ known: 3, checks: { total: 3 } })
  })

  test('and one question at a time, for people and programs', async () => {
    const { tool } = await prepareFleet()
    for (const what of ['active', 'versions', 'health', 'downloads', 'checks', 'reasons']) {
      const shown = await tool.run(`stats ${what} --platform android`)
      expect([what, shown.exitCode, shown.stderr]).toEqual([what, 0, ''])
      expect(await tool.json<object>(`stats ${what}`)).toHaveProperty('from')
      expect((await tool.run(`stats ${what} --csv`)).stdout).toMatch(/^[a-z_,]+\r\n/)
    }
    expect((await tool.run('stats health')).stdout).toMatch(/^1\.1\.0 +android +2 +50\.0 % \(.*–.*\) +0\.0 %/m)
    expect((await tool.run('stats checks --bucket hour')).stdout).toMatch(/^Checks per minute by hour, 3 in all\n.*┤/)
    expect((await tool.run('stats --csv')).stdout).toMatch(/^at,active_last_day_devices,.*\r\n.*,3,3,3,/)
  })

  test('the adoption of a rollout by nothing, its version or its id', async () => {
    const { tool, release } = await prepareFleet()
    for (const wanted of ['adoption', 'adoption 1.1.0', `adoption ${release.rolloutId}`]) {
      expect(await tool.json<Adoption>(wanted)).toMatchObject({
        rolloutId: release.rolloutId,
        eligible: { devices: 3, basis: 'known' },
        offered: 3,
        attempted: 2,
        crashed: { devices: 1, share: 0.5 },
      })
    }
    const { stdout } = await tool.run('adoption')
    expect(stdout).toMatch(/^1\.1\.0 on production for android: active, 100 %$/m)
    expect(stdout).toMatch(/^Eligible: 3 devices, all that are known there$/m)
    expect(stdout).toMatch(/^100 % ┤/m)
    expect(stdout).toMatch(/^Running now: \d devices/m)
    expect(stdout).toMatch(/^Ever ran it: \d devices/m)
    expect(stdout).toMatch(/^90 % of the eligible devices: not yet$/m)
    expect(stdout).toMatch(/^offered +3 {2}█+$/m)
    expect(stdout).toMatch(/^crashed +1 +50\.0 % \(/m)
    expect((await tool.run('adoption --csv')).stdout).toMatch(
      /^at,began_devices,ever_ran_devices,ever_ran_fraction,running_now_devices,audience_now_devices,.*\r\n/,
    )
  })

  test('what is asked wrongly is said', async () => {
    const tool = await server.createPublisher()
    const refused = async (line: string) => {
      const { exitCode, stderr } = await tool.run(line)
      return [exitCode, stderr]
    }
    expect(await refused('stats everything')).toEqual([2, expect.stringContaining('active, versions')])
    expect(await refused('stats --channel beta')).toEqual([2, expect.stringContaining('stats active')])
    expect(await refused('stats active --csv --json')).toEqual([2, expect.stringContaining('one of --csv and --json')])
    expect(await refused('stats active --from yesterday')).toEqual([2, expect.stringContaining('2030-01-31')])
    expect(await refused('stats active --from 2026-01-02 --to 2026-01-01')).toEqual([
      1,
      expect.stringContaining('"from" before "to"'),
    ])
    expect(await refused('adoption 9.9.9')).toEqual([1, expect.stringContaining('rollouts list')])
    expect(await refused('adoption 01970000-0000-7000-8000-00000000dead')).toEqual([
      1,
      expect.stringContaining('no such rollout'),
    ])
  })
})

test('an app without rollouts has no adoption', async () => {
  const tool = await server.createPublisher()
  expect(await tool.run('adoption')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no rollout yet') })
  expect((await tool.run('stats')).exitCode).toBe(0)
})
