import { readFile } from 'node:fs/promises'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { makeLaunchFolder, metadataOf, openEngine } from '../launch-folder.ts'
import { makeDirectory, removeDirectory } from '../sandbox.ts'
import { alternate, median, ratioOf } from '../statistics.ts'

const FILES = [100, 2_000]
/** So that a round is long enough for the clock. */
const STARTS_A_ROUND = 10

/** What a device engine takes at every start of an app, before its first screen: which release, and whether it is whole. */
export const launch: Measurement = {
  name: 'launch',
  async measure(bench) {
    const findings: Finding[] = []
    for (const files of FILES) findings.push(await measureLaunch(bench, files))
    return findings
  },
}

async function measureLaunch(bench: Bench, files: number): Promise<Finding> {
  const directory = makeDirectory()
  const folder = await makeLaunchFolder(directory, files)
  const read = () => timeOf(() => Promise.all(metadataOf(directory).map((path) => readFile(path))))
  const start = async () => {
    const engine = openEngine(directory, folder)
    const seconds = await timeOf(() => engine.start())
    // Else the next one would take it for a start that ended badly.
    if (!(await engine.confirm())) throw new Error('Expected the release, found what the binary shipped with.')
    return seconds
  }
  const seconds = await alternate({ start: sumOf(start), read: sumOf(read) }, bench.choose(41, 7))
  removeDirectory(directory)
  const ratio = ratioOf(seconds.start, seconds.read)
  return {
    what: `choice at start, ${files.toLocaleString('en')} files, TypeScript`,
    value: (median(seconds.start) * 1000) / STARTS_A_ROUND,
    unit: 'ms',
    ratio: ratio.value,
    spread: ratio.spread,
    comparedWith: 'reading the two files that it goes by',
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}

const sumOf = (measure: () => Promise<number>) => async () => {
  let sum = 0
  for (let count = 0; count < STARTS_A_ROUND; count++) sum += await measure()
  return sum
}
