// npm run soak [-- --minutes 10 --kills 30 --seed … --database … --faults …]: breaks what can be broken, and looks whether
// anything that was acknowledged is lost. What and how: docs/reliability.md
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, platform, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runCampaign, type CampaignResult, type Progress } from './campaign.ts'
import type { Breach } from './findings.ts'
import { readOptions, WrongUsage, type SoakOptions } from './options.ts'
import { renderReport } from './report.ts'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
const LINE_EVERY_SECONDS = 30

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: SoakOptions
  try {
    options = readOptions(args)
  } catch (error) {
    if (!(error instanceof WrongUsage)) throw error
    console.error(error.message)
    return 2
  }
  if (platform() !== 'linux') {
    console.error('The campaign looks at processes in /proc, which only Linux has.')
    return 2
  }
  // The first one ends it in good order, with what was found so far.
  const interruption = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interruption.abort())
  const results: CampaignResult[] = []
  for (const database of options.databases) {
    if (interruption.signal.aborted) break
    results.push(await runCampaign(database, options, showProgress(), interruption.signal))
  }
  console.log(`\nWritten to ${await save(options, results)}.md and .json`)
  for (const { database, breaches } of results) {
    for (const breach of breaches) console.log(describeBreach(database, breach))
  }
  const isBroken = results.some((result) => result.isBroken)
  if (isBroken) console.log(`To see it again: npm run soak -- ${args.join(' ')} --seed ${options.seed}`)
  else console.log('Nothing that must hold was broken.')
  return isBroken ? 1 : 0
}

/** One line that changes at a terminal; elsewhere a line now and then. What is broken is said at once. */
function showProgress(): (progress: Progress) => void {
  let lastAt = -Infinity
  let told = 0
  return ({ database, seconds, struck, planned, checks, releases, breaches }) => {
    for (const breach of breaches.slice(told))
      process.stderr.write(`\n${new Date().toISOString()} ${describeBreach(database, breach)}\n`)
    told = breaches.length
    const state = told > 0 ? `, ${told} BROKEN` : ''
    const line = `${database}: ${Math.round(seconds)} s, ${struck} of ${planned} faults, ${checks} checks, ${releases} releases${state}`
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
    else if (seconds - lastAt >= LINE_EVERY_SECONDS) {
      lastAt = seconds
      process.stderr.write(`${line}\n`)
    }
  }
}

function describeBreach(database: string, { invariant, atSeconds, detail }: Breach): string {
  return `${database}: ${invariant} at ${atSeconds} s: ${detail}`
}

async function save(options: SoakOptions, results: readonly CampaignResult[]): Promise<string> {
  const at = new Date().toISOString()
  const machine = { cores: cpus().length, system: `${platform()} ${release()}`, node: process.version }
  const report = { at, options, machine, results }
  await mkdir(RESULTS, { recursive: true })
  for (const name of [at.slice(0, 19).replaceAll(':', ''), 'latest']) {
    await writeFile(`${RESULTS}${name}.json`, `${JSON.stringify(report, null, 2)}\n`)
    await writeFile(`${RESULTS}${name}.md`, renderReport(report))
  }
  return `${RESULTS}latest`
}
