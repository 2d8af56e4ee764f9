import { setTimeout as wait } from 'node:timers/promises'
import type { Bench, Finding } from '../finding.ts'
import { openLoad, type Load } from '../load.ts'
import { microsecondsOf, residentMib, sharedOutMib } from '../process-usage.ts'
import type { RunningServer } from '../sandbox.ts'
import { alternate, median, percentile, ratioOf } from '../statistics.ts'
import type { ClientProtocol } from './client-protocol.ts'
import type { Contender } from './contender.ts'
import { costsOfRounds, type CostMark } from './costs-of-rounds.ts'
import { makeDevices, oneOfEach, type PeerDevice } from './devices.ts'

const CONNECTIONS = 64
const DEVICES = 10_000
/** Requests: a time would be too short for a server that is slow, and where a machine is busy. */
const WARM_UP = 8_000
const BUSIEST_GENERATOR = 0.9
const JUDGE_TIMEOUT_MS = 30_000
const ASK_AGAIN_MS = 100
const QUIET_TIMEOUT_MS = 60_000
const QUIET_MS = 1_000
/** Of a core. */
const BUSIEST_QUIET = 0.1

/** A contender that runs, and was found to answer as it must. */
interface Runner {
  contender: Contender
  server: RunningServer
  makeRequest: () => Buffer
  marks: CostMark[]
}

/** Values by contender, in its rounds. */
type Rounds = Readonly<Record<string, readonly number[]>>

/** All of them in turns; the first is HotPatch, against which the others are held. */
export async function compareContenders(
  bench: Bench,
  protocol: ClientProtocol,
  contenders: readonly Contender[],
): Promise<Finding[]> {
  // Which fills their compile caches.
  for (const contender of contenders) await untilFirstAnswer(contender, protocol)
  const starts = await alternate(
    eachOf(contenders, (contender) => untilFirstAnswer(contender, protocol)),
    bench.choose(5, 1),
  )
  bench.say('  each was started')
  const runners: Runner[] = []
  for (const contender of contenders) runners.push(await run(contender, protocol))
  for (const runner of runners) await untilQuiet(runner)
  // Until what runs often is compiled.
  for (const runner of runners) await withLoad(runner, (load) => load.send(bench.choose(WARM_UP, WARM_UP / 4)))

  bench.say('  each answers as it must')
  const throughput = await alternate(
    eachOf(runners, (runner) => saturate(runner, bench.choose(700, 400))),
    bench.choose(15, 5),
  )
  bench.say('  each was saturated')
  const costs = Object.fromEntries(
    runners.map((runner) => [runner.contender.name, costsOfRounds(runner.marks, spent(runner))]),
  )
  const rates = mapRounds(throughput, ({ perSecond }) => perSecond)
  const slowest = Math.min(...Object.values(rates).map(median))
  const latencies = await alternate(
    eachOf(runners, (runner) => pace(runner, slowest / 2, bench.choose(1_500, 1_000))),
    bench.choose(5, 1),
  )
  const memory = runners.flatMap((runner) => memoryOf(runner, protocol))
  for (const { server } of runners) await server.stop()

  const rate = Math.round(slowest / 2)
  const busy = mapRounds(throughput, ({ generatorBusy }) => generatorBusy)
  const of = (what: string) => `${what}, ${protocol.name}`
  return [
    ...findingsOf(of('check'), '/s', rates, (name) => noteOfGenerator(busy[name] ?? [])),
    ...findingsOf(of('processor time of a check'), 'µs', costs, () => 'of all its processes, its database among them'),
    ...findingsOf(
      of(`p50 at ${rate} a second`),
      'ms',
      mapRounds(latencies, ({ p50 }) => p50),
    ),
    ...findingsOf(
      of(`p99 at ${rate} a second`),
      'ms',
      mapRounds(latencies, ({ p99 }) => p99),
    ),
    ...memory,
    ...findingsOf(
      of('start to the first answer'),
      'ms',
      starts,
      () => 'with a filled compile cache; its database runs',
    ),
  ]
}

/** What `alternate` takes: by name. */
function eachOf<Each extends Contender | Runner, Result>(all: readonly Each[], run: (each: Each) => Promise<Result>) {
  return Object.fromEntries(all.map((each) => ['contender' in each ? each.contender.name : each.name, () => run(each)]))
}

function mapRounds<Result>(
  rounds: Readonly<Record<string, readonly Result[]>>,
  of: (result: Result) => number,
): Rounds {
  return Object.fromEntries(Object.entries(rounds).map(([name, results]) => [name, results.map(of)]))
}

async function run(contender: Contender, protocol: ClientProtocol): Promise<Runner> {
  const server = await contender.start()
  for (const device of oneOfEach(protocol.releases)) await untilRight(contender, protocol, server, device)
  const requests = makeDevices(DEVICES, protocol.releases).map((device) =>
    Buffer.from(requestOf(contender, protocol, server, device), 'latin1'),
  )
  let count = 0
  return { contender, server, makeRequest: () => requests[count++ % DEVICES] as Buffer, marks: [] }
}

/** As a phone's HTTP library sends it. */
const OF_LIBRARY = { 'accept-encoding': 'gzip', 'user-agent': 'okhttp/4.12.0', connection: 'keep-alive' }

function requestOf(
  { place }: Contender,
  protocol: ClientProtocol,
  { port }: RunningServer,
  device: PeerDevice,
): string {
  const headers = Object.entries({ host: `127.0.0.1:${port}`, ...protocol.headers, ...OF_LIBRARY })
  const lines = headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')
  return `GET ${protocol.pathOf(device, place)} HTTP/1.1\r\n${lines}\r\n\r\n`
}

/** What servers make of releases later may be missing at first. @throws when an answer stays wrong */
async function untilRight(contender: Contender, protocol: ClientProtocol, server: RunningServer, device: PeerDevice) {
  const until = performance.now() + JUDGE_TIMEOUT_MS
  for (;;) {
    const wrong = await judge(contender, protocol, server, device)
    if (wrong === undefined) return
    if (performance.now() > until) throw new Error(`${contender.name} answers wrong: ${wrong}`)
    await wait(ASK_AGAIN_MS)
  }
}

async function judge({ place }: Contender, protocol: ClientProtocol, { url }: RunningServer, device: PeerDevice) {
  const headers = { ...protocol.headers, ...OF_LIBRARY }
  const response = await fetch(url + protocol.pathOf(device, place), { headers })
  const text = await response.text()
  const wrong = response.status === 200 ? protocol.judge(JSON.parse(text), device) : `status ${response.status}`
  const running = device.running.kind === 'embedded' ? 'what the store shipped' : device.running.release.version
  return wrong && `a device that runs ${running}: ${wrong}, in ${text.slice(0, 500)}`
}

/** From its process to a right answer for a device that is fresh, in milliseconds. */
async function untilFirstAnswer(contender: Contender, protocol: ClientProtocol): Promise<number> {
  const startedAt = performance.now()
  const server = await contender.start()
  const wrong = await judge(contender, protocol, server, { id: 'first', cohort: 1, running: { kind: 'embedded' } })
  const tookMs = performance.now() - startedAt
  await server.stop()
  if (wrong !== undefined) throw new Error(`${contender.name} answers wrong at first: ${wrong}`)
  return tookMs
}

function spent({ contender, server }: Runner): number {
  return microsecondsOf([server.pid, ...contender.databases])
}

/** What servers make of releases later they may make while nothing is timed. */
async function untilQuiet(runner: Runner): Promise<void> {
  const until = performance.now() + QUIET_TIMEOUT_MS
  while (performance.now() < until) {
    const spentBefore = spent(runner)
    await wait(QUIET_MS)
    if (spent(runner) - spentBefore < BUSIEST_QUIET * QUIET_MS * 1_000) return
  }
  throw new Error(`${runner.contender.name} was still busy by itself after ${QUIET_TIMEOUT_MS} ms.`)
}

/** On connections of its own: servers close those on which nothing comes, and the others have their turn between. */
async function withLoad<Result>({ server, makeRequest }: Runner, use: (load: Load) => Promise<Result>) {
  const load = await openLoad({ port: server.port, connections: CONNECTIONS, makeRequest })
  try {
    return await use(load)
  } finally {
    load.close()
  }
}

function saturate(runner: Runner, durationMs: number) {
  return withLoad(runner, async (load) => {
    const spentBefore = spent(runner)
    const result = await load.saturate(durationMs)
    runner.marks.push({ spentBefore, answers: result.answers })
    return result
  })
}

async function pace(runner: Runner, ratePerSecond: number, durationMs: number) {
  const latencies = await withLoad(runner, (load) => load.pace(ratePerSecond, durationMs))
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99) }
}

function memoryOf({ contender, server }: Runner, protocol: ClientProtocol): Finding[] {
  const what = `resident memory after the load, ${protocol.name}: ${contender.name}`
  const finding = { what, value: residentMib(server.pid), unit: 'MiB' }
  if (contender.databases.length === 0) return [finding]
  const ofDatabases = Math.round(sharedOutMib(contender.databases))
  return [{ ...finding, note: `of the server; ${ofDatabases} MiB of its database` }]
}

/** A row for each contender, with the first one's share of it. */
function findingsOf(
  what: string,
  unit: string,
  rounds: Rounds,
  note?: (name: string) => string | undefined,
): Finding[] {
  const [first] = Object.values(rounds)
  return Object.entries(rounds).map(([name, values]) => {
    const told = note?.(name)
    const finding: Finding = {
      what: `${what}: ${name}`,
      value: median(values),
      unit,
      ...(told !== undefined && { note: told }),
    }
    if (values === first || !first) return finding
    const { value: ratio, spread } = ratioOf(first, values)
    return { ...finding, ratio, spread, comparedWith: 'HotPatch on SQLite / this' }
  })
}

function noteOfGenerator(busy: readonly number[]): string | undefined {
  const share = median(busy)
  return share > BUSIEST_GENERATOR ? `at least: the generator was busy for ${share.toFixed(2)} of the time` : undefined
}
