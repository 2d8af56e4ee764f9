import { recordAnswer } from '../bare-answer.ts'
import { freshDevices, oneCheck, type Method } from '../checks.ts'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { openLoad } from '../load.ts'
import { mainThreadMicroseconds, readMetrics } from '../process-usage.ts'
import { makeDirectory, removeDirectory, startBare, startHotPatch, type RunningServer } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { alternate, median, ratioOf } from '../statistics.ts'

const CONNECTIONS = 64
const DEVICES = 10_000
const BUSIEST_GENERATOR = 0.9

export const checkThroughput: Measurement = {
  name: 'throughput',
  async measure(bench) {
    const directory = makeDirectory()
    await seed(directory, { releases: 1, devices: 0 })
    const hotPatch = await startHotPatch(directory)
    const bare = await startBare(await recordAnswer(...oneCheck(hotPatch.url)))
    const findings: Finding[] = []
    for (const method of ['GET', 'POST'] as const) {
      findings.push(...(await compare(bench, method, { hotPatch, bare })))
    }
    findings.push(await databaseWork(hotPatch))
    await Promise.all([hotPatch.stop(), bare.stop()])
    removeDirectory(directory)
    return findings
  },
}

async function compare(
  bench: Bench,
  method: Method,
  servers: { hotPatch: RunningServer; bare: RunningServer },
): Promise<Finding[]> {
  const hotPatch = await contender(bench, method, servers.hotPatch)
  const bare = await contender(bench, method, servers.bare)
  const results = await alternate({ hotPatch: hotPatch.run, bare: bare.run }, bench.choose(25, 7))
  hotPatch.close()
  bare.close()

  const busiest = Math.max(...[...results.hotPatch, ...results.bare].map((result) => result.generatorBusy))
  if (busiest > BUSIEST_GENERATOR) {
    throw new Error(`The generator was busy for ${busiest.toFixed(2)} of the time: it measured itself.`)
  }
  const perSecond = results.hotPatch.map((result) => result.perSecond)
  const ratio = ratioOf(
    perSecond,
    results.bare.map((result) => result.perSecond),
  )
  const cost = results.hotPatch.map((result) => result.microseconds)
  const costRatio = ratioOf(
    results.bare.map((result) => result.microseconds),
    cost,
  )
  return [
    {
      what: `check, ${method}`,
      value: median(perSecond),
      unit: '/s',
      ratio: ratio.value,
      spread: ratio.spread,
      comparedWith: 'bare node:http',
      budget: '>= 0.80',
      met: ratio.value >= 0.8,
    },
    {
      what: `processor time of a check, ${method}`,
      value: median(cost),
      unit: 'µs',
      ratio: costRatio.value,
      spread: costRatio.spread,
      comparedWith: 'bare node:http, as bare / HotPatch',
      note: 'of the serving thread; less disturbed by what else the machine does than the row above',
    },
  ]
}

async function contender(bench: Bench, method: Method, { port, pid }: RunningServer) {
  const makeRequest = freshDevices(port, method, DEVICES)
  const load = await openLoad({ port, connections: CONNECTIONS, makeRequest })
  await load.saturate(bench.choose(3_000, 1_500)) // until what runs often is compiled
  async function run() {
    const before = mainThreadMicroseconds(pid)
    const result = await load.saturate(bench.choose(600, 300))
    return { ...result, microseconds: (mainThreadMicroseconds(pid) - before) / result.answers }
  }
  return { run, close: load.close }
}

/** Of all the checks above: the writes are behind the path, in a thread of their own. */
async function databaseWork({ url }: RunningServer): Promise<Finding> {
  const metric = await readMetrics(url)
  const checks = metric('hotpatch_checks_total')
  const checksPerBatch = checks / metric('hotpatch_fleet_written_batches')
  const dropped = metric('hotpatch_fleet_dropped_notes')
  return {
    what: 'checks for each batch written',
    value: checksPerBatch,
    unit: 'checks',
    budget: '>= 500',
    met: checksPerBatch >= 500,
    note: `${checks} checks at full load, ${dropped} notes dropped`,
  }
}
