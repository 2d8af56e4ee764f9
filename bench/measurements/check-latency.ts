import { recordAnswer } from '../bare-answer.ts'
import { freshDevices, oneCheck } from '../checks.ts'
import type { Measurement } from '../finding.ts'
import { openLoad, type Load } from '../load.ts'
import { readMetrics } from '../process-usage.ts'
import { makeDirectory, removeDirectory, startBare, startHotPatch } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { alternate, median, percentile } from '../statistics.ts'

const CONNECTIONS = 64
/** So many that hardly any two checks fall on one row. */
const DEVICES = 1_000_000

export const checkLatency: Measurement = {
  name: 'latency',
  async measure(bench) {
    const directory = makeDirectory()
    await seed(directory, { releases: 1, devices: 0 })
    const hotPatch = await startHotPatch(directory)
    const bare = await startBare(await recordAnswer(...oneCheck(hotPatch.url)))
    const open = (port: number) =>
      openLoad({ port, connections: CONNECTIONS, makeRequest: freshDevices(port, DEVICES) })
    const loads = { hotPatch: await open(hotPatch.port), bare: await open(bare.port) }

    await loads.bare.saturate(bench.choose(3_000, 1_000))
    await loads.hotPatch.saturate(bench.choose(3_000, 1_500))
    const { perSecond } = await loads.hotPatch.saturate(bench.choose(3_000, 1_000))
    const ratePerSecond = perSecond / 2
    const measureAt = (load: Load) => async () => {
      const latencies = await load.pace(ratePerSecond, bench.choose(2_500, 1_000))
      return { p50: percentile(latencies, 50), p99: percentile(latencies, 99) }
    }
    const before = await readMetrics(hotPatch.url)
    const contenders = { hotPatch: measureAt(loads.hotPatch), bare: measureAt(loads.bare) }
    const results = await alternate(contenders, bench.choose(9, 3))
    const after = await readMetrics(hotPatch.url)
    const rows = after('hotpatch_fleet_written_rows') - before('hotpatch_fleet_written_rows')
    if (rows === 0) throw new Error('No fleet writes went on while the latency was measured.')

    for (const load of Object.values(loads)) load.close()
    await Promise.all([hotPatch.stop(), bare.stop()])
    removeDirectory(directory)

    const rate = Math.round(ratePerSecond)
    return (['p50', 'p99'] as const).map((which) => {
      const rounds = results.hotPatch.map((round) => round[which])
      const bareRounds = results.bare.map((round) => round[which])
      const [value, bareValue] = [median(rounds), median(bareRounds)]
      const limit = which === 'p50' ? 2 : 2 * bareValue
      const quietest = `${Math.min(...rounds).toFixed(2)} ms in the quietest round`
      return {
        what: `latency of a check, ${which}`,
        value,
        unit: 'ms',
        ratio: value / bareValue,
        comparedWith: 'bare node:http at the same rate',
        budget: which === 'p50' ? '< 2 ms' : '<= 2.00',
        met: value <= limit,
        note: `at ${rate} a second, half of what it can, with ${rows} devices written; ${quietest}`,
      }
    })
  },
}
