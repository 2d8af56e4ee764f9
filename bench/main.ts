// npm run bench [-- names… --quick --client name…]: measures HotPatch against its budgets. What and how: docs/benchmarks.md
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, platform, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Bench, Finding, Measurement } from './finding.ts'
import { checkLatency } from './measurements/check-latency.ts'
import { checkScale } from './measurements/check-scale.ts'
import { checkThroughput } from './measurements/check-throughput.ts'
import { consolePage } from './measurements/console.ts'
import { fleet } from './measurements/fleet.ts'
import { insights } from './measurements/insights.ts'
import { kitDowntime } from './measurements/kit-downtime.ts'
import { kitPlan } from './measurements/kit-plan.ts'
import { launch } from './measurements/launch.ts'
import { launchKotlin, launchSwift } from './measurements/native-launch.ts'
import { memory } from './measurements/memory.ts'
import { patches } from './measurements/patches.ts'
import { peers } from './measurements/peers.ts'
import { publish } from './measurements/publish.ts'
import { ranges } from './measurements/ranges.ts'
import { size } from './measurements/size.ts'
import { start } from './measurements/start.ts'
import { workers } from './measurements/workers.ts'
import { cleanUp } from './sandbox.ts'
import { formatFindings } from './table.ts'

const MEASUREMENTS: readonly Measurement[] = [
  checkThroughput,
  checkLatency,
  checkScale,
  publish,
  ranges,
  start,
  launch,
  launchKotlin,
  launchSwift,
  memory,
  fleet,
  insights,
  size,
  consolePage,
  patches,
  kitPlan,
  kitDowntime,
  workers,
  peers,
]
const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
/** Nothing here should take half as long. */
const TIME_LIMIT_MS = 40 * 60 * 1000
const QUICK_TIME_LIMIT_MS = 8 * 60 * 1000

interface Result {
  name: string
  seconds: number
  findings: Finding[]
  /** Why there are none. */
  error?: string
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, client: { type: 'string', multiple: true, default: [] } },
})
process.on('exit', cleanUp)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await main(positionals, options.client, options.quick ?? false)

async function main(names: readonly string[], clients: readonly string[], isQuick: boolean): Promise<number> {
  const known = MEASUREMENTS.map((measurement) => measurement.name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    console.error(`Expected some of ${known.join(', ')}, found ${unknown.join(', ')}.`)
    return 2
  }
  if (platform() !== 'linux') {
    console.error('The bench reads memory and processor time from /proc, which only Linux has.')
    return 2
  }
  const limit = setTimeout(stopLate, isQuick ? QUICK_TIME_LIMIT_MS : TIME_LIMIT_MS).unref()
  const bench: Bench = {
    choose: (full, quick) => (isQuick ? quick : full),
    wantsClient: (name) =>
      clients.length === 0 || clients.some((part) => name.toLowerCase().includes(part.toLowerCase())),
    say: console.error,
  }
  const wanted = MEASUREMENTS.filter(({ name, isOnlyWhenNamed }) => {
    return names.length === 0 ? !isOnlyWhenNamed : names.includes(name)
  })
  const results: Result[] = []
  for (const measurement of wanted) results.push(await measure(measurement, bench))
  clearTimeout(limit)

  const findings = results.flatMap((result) => result.findings)
  console.log(`\n${formatFindings(findings)}\n`)
  const failed = results.filter((result) => result.error !== undefined)
  for (const { name, error } of failed) console.log(`Not measured: ${name}: ${error}`)
  const unmeasured = findings.filter((finding) => finding.value === undefined)
  for (const { what, note } of unmeasured) console.log(`Not measured: ${what}: ${note}`)
  const missed = findings.filter((finding) => finding.met === false)
  if (missed.length > 0) console.log(`Missed: ${missed.map(({ what }) => what).join('; ')}.`)
  else if (failed.length + unmeasured.length === 0 && findings.some(({ met }) => met))
    console.log('Every budget that was measured is met.')
  await save({ isQuick, results })
  return failed.length > 0 ? 1 : 0
}

async function measure({ name, measure: run }: Measurement, bench: Bench): Promise<Result> {
  bench.say(`${name} …`)
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 100) / 10
  try {
    const findings = await run(bench)
    bench.say(`${name}: ${seconds()} s`)
    return { name, seconds: seconds(), findings }
  } catch (error) {
    bench.say(`${name}: failed`)
    return { name, seconds: seconds(), findings: [], error: error instanceof Error ? error.message : String(error) }
  } finally {
    // Whatever a failure left running would disturb the next one.
    cleanUp()
  }
}

async function save(run: { isQuick: boolean; results: readonly Result[] }): Promise<void> {
  const at = new Date().toISOString()
  const machine = {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${release()}`,
    node: process.version,
  }
  const text = `${JSON.stringify({ at, machine, ...run }, null, 2)}\n`
  await mkdir(RESULTS, { recursive: true })
  for (const name of [at.slice(0, 19).replaceAll(':', ''), 'latest']) await writeFile(`${RESULTS}${name}.json`, text)
  console.log(`Written to ${RESULTS}latest.json`)
}

function stopLate(): void {
  console.error('The bench takes too long, and is stopped.')
  process.exit(1)
}
