import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { oneCheck } from '../checks.ts'
import type { Measurement } from '../finding.ts'
import { residentMib } from '../process-usage.ts'
import { makeDirectory, removeDirectory, runNode, startHotPatch } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { median } from '../statistics.ts'

const RELEASES = 10_000
const CATALOG_MEMORY = fileURLToPath(new URL('../catalog-memory.ts', import.meta.url))

export const memory: Measurement = {
  name: 'memory',
  async measure(bench) {
    const compileCache = makeDirectory()
    const small = await seeded(1)
    const large = await seeded(RELEASES)
    const rounds = bench.choose(5, 1)
    const cold = await residentAfterStart(small, compileCache)
    const resident = await repeat(rounds, () => residentAfterStart(small, compileCache))
    const residentLarge = await repeat(rounds, () => residentAfterStart(large, compileCache))
    const [one, all] = [await catalogBytes(small), await catalogBytes(large)]
    const signedBytes = statementBytes(large)
    for (const directory of [small, large, compileCache]) removeDirectory(directory)

    const perRelease = (all - one) / (RELEASES - 1)
    const beyond = perRelease - signedBytes
    return [
      {
        what: 'resident memory after the first check',
        value: resident,
        unit: 'MiB',
        budget: '< 150 MiB',
        met: resident < 150,
        note: `${cold.toFixed(0)} MiB at the very first start, ${residentLarge.toFixed(0)} MiB with ${RELEASES} releases`,
      },
      {
        what: 'memory of a release in a catalog, beyond its signed text',
        value: beyond,
        unit: 'bytes',
        budget: '<= 1024 bytes',
        met: beyond <= 1024,
        note: `heap, of ${RELEASES} signed releases with notes of 100 bytes; with their statements of ${signedBytes.toFixed(0)} bytes it is ${perRelease.toFixed(0)}`,
      },
    ]
  },
}

async function seeded(releases: number): Promise<string> {
  const directory = makeDirectory()
  await seed(directory, { releases, devices: 0 })
  return directory
}

async function repeat(rounds: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let round = 0; round < rounds; round++) values.push(await measure())
  return median(values)
}

async function residentAfterStart(dataDirectory: string, compileCache: string): Promise<number> {
  const server = await startHotPatch(dataDirectory, { NODE_COMPILE_CACHE: compileCache })
  await (await fetch(...oneCheck(server.url))).text()
  const resident = residentMib(server.pid)
  await server.stop()
  return resident
}

/** Of a statement, which an answer carries as it is. */
function statementBytes(dataDirectory: string): number {
  const sqlite = new DatabaseSync(join(dataDirectory, 'hotpatch.db'), { readOnly: true })
  const row = sqlite.prepare('select avg(length(text)) as bytes from statement').get()
  sqlite.close()
  return Number(row?.bytes)
}

async function catalogBytes(dataDirectory: string): Promise<number> {
  const child = runNode(['--expose-gc', CATALOG_MEMORY, join(dataDirectory, 'hotpatch.db')])
  const [printed, errors, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'exit'),
  ])
  if (code !== 0) throw new Error(`The catalogs could not be measured: ${errors}`)
  return Number(printed)
}
