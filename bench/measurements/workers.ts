import { CLIENTS, freshDevices } from '../checks.ts'
import type { Bench, Measurement } from '../finding.ts'
import { openLoad } from '../load.ts'
import { childrenOf, mainThreadMicroseconds } from '../process-usage.ts'
import { makeDirectory, removeDirectory, startHotPatch } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { alternate, median, ratioOf } from '../statistics.ts'

const CONNECTIONS = 64
const DEVICES = 10_000
const WORKERS = 2

/** What a second worker makes of checks a second. The generator needs a core, too: on two cores it cannot be much. */
export const workers: Measurement = {
  name: 'workers',
  async measure(bench) {
    const one = await contender(bench, 1)
    const two = await contender(bench, WORKERS)
    const results = await alternate({ one: one.run, two: two.run }, bench.choose(15, 5))
    await Promise.all([one.stop(), two.stop()])

    const rates = (of: keyof typeof results) => results[of].map(({ perSecond }) => perSecond)
    const costs = (of: keyof typeof results) => results[of].map(({ microseconds }) => microseconds)
    const [rate, cost] = [ratioOf(rates('two'), rates('one')), ratioOf(costs('one'), costs('two'))]
    const busy = median(results.two.map(({ generatorBusy }) => generatorBusy))
    const shares = median(results.two.map(({ least }) => least))
    return [
      {
        what: `checks with ${WORKERS} workers`,
        value: median(rates('two')),
        unit: '/s',
        ratio: rate.value,
        spread: rate.spread,
        comparedWith: 'one process, as two / one',
        note: `the generator was busy for ${busy.toFixed(2)} of the time; the worker with less to do answered ${(shares * 100).toFixed(0)} %`,
      },
      {
        what: `processor time of a check with ${WORKERS} workers`,
        value: median(costs('two')),
        unit: 'µs',
        ratio: cost.value,
        spread: cost.spread,
        comparedWith: 'one process, as one / two',
        note: 'of the serving threads together',
      },
    ]
  },
}

async function contender(bench: Bench, size: number) {
  const directory = makeDirectory()
  await seed(directory, { releases: 1, devices: 0 })
  const server = await startHotPatch(directory, { HOTPATCH_WORKERS: String(size) })
  const pids = size === 1 ? () => [server.pid] : () => childrenOf(server.pid)
  const [client] = CLIENTS
  const nextRequest = freshDevices(server.port, DEVICES, client)
  const requests = Array.from({ length: DEVICES }, () => Buffer.from(nextRequest(), 'latin1'))
  let count = 0
  const makeRequest = () => requests[count++ % DEVICES] as Buffer
  await untilAllAnswer(server.url, size)
  const load = await openLoad({ port: server.port, connections: CONNECTIONS, makeRequest })
  await load.saturate(bench.choose(3_000, 1_500)) // until what runs often is compiled

  async function run() {
    const before = pids().map(mainThreadMicroseconds)
    const result = await load.saturate(bench.choose(600, 300))
    const spent = pids().map((pid, index) => mainThreadMicroseconds(pid) - (before[index] ?? 0))
    const sum = spent.reduce((total, each) => total + each, 0)
    return { ...result, microseconds: sum / result.answers, least: Math.min(...spent) / sum }
  }

  async function stop() {
    load.close()
    await server.stop()
    removeDirectory(directory)
  }

  return { run, stop }
}

/** Their figures say how many serve. */
async function untilAllAnswer(url: string, size: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    if (text.includes(`hotpatch_serving_processes ${size}\n`)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
