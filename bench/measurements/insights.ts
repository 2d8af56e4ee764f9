import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { makeDirectory, removeDirectory, startHotPatch } from '../sandbox.ts'
import { seedFleet } from '../seed-fleet.ts'
import { rolloutId, seed } from '../seed.ts'
import { median } from '../statistics.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const BUDGET_MS = 300
const ROUNDS = 5
const RELEASES = 50

export const insights: Measurement = {
  name: 'insights',
  async measure(bench) {
    const devices = bench.choose(1_000_000, 100_000)
    const now = Date.now() - (Date.now() % HOUR_MS)
    const directory = makeDirectory()
    await seed(directory, { releases: RELEASES, devices: 0 })
    const size = { devices, releases: RELEASES, rolloutDevices: 2 * devices, rolloutHours: 720, activityDays: 90, now }
    seedFleet(directory, size)
    const server = await startHotPatch(directory)
    const token = (await readFile(join(directory, 'owner-token'), 'utf8')).trim()
    const findings: Finding[] = []
    for (const [what, path] of questions(now)) {
      const address = `${server.url}/manage/v1/apps/bench/insights/${path}`
      findings.push(await timeOf(bench, what, address, token, devices))
    }
    await server.stop()
    removeDirectory(directory)
    return findings
  },
}

function questions(now: number): [what: string, path: string][] {
  const since = (days: number) => `from=${new Date(now - days * DAY_MS).toISOString()}`
  const place = 'platform=android&channel=production'
  return [
    ['overview', 'overview'],

    ['active devices, 80 days by hour', `active?bucket=hour&${since(80)}`],
    ['active devices, 90 days by week', `active?bucket=week&${since(90)}`],
    ['versions, 90 days by day', `versions?bucket=day&${since(90)}`],
    ['versions of a channel, 80 days by hour', `versions?bucket=hour&${since(80)}&${place}`],
    ['adoption of a rollout', `rollouts/${rolloutId(RELEASES)}/adoption?${since(30)}`],
    ['health of releases', `releases/health?${since(90)}`],
    ['downloads, 90 days by day', `downloads?bucket=day&${since(90)}`],
    ['checks, 90 days by day', `checks?bucket=day&${since(90)}`],
    ['reasons, 90 days', `reasons?${since(90)}`],
  ]
}

/** From the request to the last byte; the first answer, which finds nothing prepared, counts as one of five. */
async function timeOf(bench: Bench, what: string, address: string, token: string, devices: number): Promise<Finding> {
  const times: number[] = []
  let bytes = 0
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } })
    const text = await response.text()
    times.push(performance.now() - startedAt)
    if (response.status !== 200) throw new Error(`${address} was answered with ${response.status}: ${text}`)
    bytes = text.length
  }
  const value = median(times)
  const note = `slowest of ${ROUNDS} ${Math.max(...times).toFixed(0)} ms; ${bytes} bytes, ${devices} devices`
  bench.say(`  ${what}: ${value.toFixed(1)} ms`)
  return {
    what: `insight: ${what}`,
    value,
    unit: 'ms',
    budget: `< ${BUDGET_MS} ms`,
    met: value < BUDGET_MS,
    note,
  }
}
