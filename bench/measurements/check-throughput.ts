import { recordAnswer } from '../bare-answer.ts'
import { CLIENTS, freshDevices, oneCheck, type Client } from '../checks.ts'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { openLoad, type Throughput } from '../load.ts'
import { mainThreadMicroseconds, readMetrics } from '../process-usage.ts'
import { publishOtherContents } from '../other-contents.ts'
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
    await publishOtherContents(hotPatch, directory)
    const findings: Finding[] = []
    for (const client of CLIENTS.filter(({ name }) => bench.wantsClient(name))) {
      findings.push(...(await compareWithBare(bench, client, hotPatch)))
      // Before the feeds, which leave nothing of a device to write.
      if (client === CLIENTS[0]) findings.push(await databaseWork(hotPatch))
    }
    await hotPatch.stop()
    removeDirectory(directory)
    return findings
  },
}

/** With one that gives the answer which this client gets. */
async function compareWithBare(bench: Bench, client: Client, hotPatch: RunningServer): Promise<Finding[]> {
  const answer = await recordAnswer(...oneCheck(hotPatch.url, client))
  const bare = await startBare(answer)
  const batched = await startBare(answer, true)
  const findings = await compare(bench, client, { hotPatch, bare, batched })
  await Promise.all([bare.stop(), batched.stop()])
  return findings
}

async function compare(
  bench: Bench,
  client: Client,
  servers: { hotPatch: RunningServer; bare: RunningServer; batched: RunningServer },
): Promise<Finding[]> {
  const hotPatch = await contender(bench, client, servers.hotPatch)
  const bare = await contender(bench, client, servers.bare)
  const batched = await contender(bench, client, servers.batched)
  const contenders = { hotPatch: hotPatch.run, bare: bare.run, batched: batched.run }
  const results = await alternate(contenders, bench.choose(25, 7))
  for (const each of [hotPatch, bare, batched]) each.close()

  const costs = (of: keyof typeof results) => results[of].map((result) => result.microseconds)
  const costRatio = ratioOf(costs('bare'), costs('hotPatch'))
  const batchedRatio = ratioOf(costs('batched'), costs('hotPatch'))
  return [
    throughput(client, results),
    {
      what: `processor time of a check, ${client.name}`,
      value: median(costs('hotPatch')),
      unit: 'µs',
      ratio: costRatio.value,
      spread: costRatio.spread,
      comparedWith: 'bare node:http, as bare / HotPatch',
      budget: '>= 0.80',
      met: costRatio.value >= 0.8,
      note: 'of the serving thread; less disturbed by what else the machine does than the row above',
    },
    {
      what: `the same against one that batches, ${client.name}`,
      value: median(costs('batched')),
      unit: 'µs',
      ratio: batchedRatio.value,
      spread: batchedRatio.spread,
      comparedWith: 'bare node:http that answers by turns, as bare / HotPatch',
    },
  ]
}

/** Not measured when the generator was what held a server back. What a check costs is known all the same. */
function throughput(client: Client, { hotPatch, bare }: Record<'hotPatch' | 'bare', readonly Throughput[]>): Finding {
  const row = { what: `check, ${client.name}`, unit: '/s', comparedWith: 'bare node:http', budget: '>= 0.60' }
  const busy = median([...hotPatch, ...bare].map(({ generatorBusy }) => generatorBusy))
  if (busy > BUSIEST_GENERATOR) {
    return { ...row, value: undefined, note: `the generator was busy for ${busy.toFixed(2)} of the time` }
  }
  const rates = (of: readonly Throughput[]) => of.map(({ perSecond }) => perSecond)
  const ratio = ratioOf(rates(hotPatch), rates(bare))
  return { ...row, value: median(rates(hotPatch)), ratio: ratio.value, spread: ratio.spread, met: ratio.value >= 0.6 }
}

async function contender(bench: Bench, client: Client, { port, pid }: RunningServer) {
  // Made beforehand: a generator that makes texts is slower than a bare server.
  const nextRequest = freshDevices(port, DEVICES, client)
  const requests = Array.from({ length: DEVICES }, () => Buffer.from(nextRequest(), 'latin1'))
  let count = 0
  const makeRequest = () => requests[count++ % DEVICES] as Buffer
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
