import { once } from 'node:events'
import { join } from 'node:path'
import { oneCheck } from '../checks.ts'
import type { Finding, Measurement } from '../finding.ts'
import { makeDirectory, removeDirectory, runNode, startHotPatch } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { alternate, median, ratioOf } from '../statistics.ts'

/** How much longer than a process that does nothing. */
const MAX_TIMES_NOTHING = 20

export const start: Measurement = {
  name: 'start',
  async measure(bench) {
    const directory = makeDirectory()
    const dataDirectory = join(directory, 'data')
    await seed(dataDirectory, { releases: 1, devices: 0 })
    const warmCache = join(directory, 'warm')
    await untilAnswered(dataDirectory, warmCache)
    let colds = 0
    const contenders = {
      cold: () => untilAnswered(dataDirectory, join(directory, `cold-${++colds}`)),
      warm: () => untilAnswered(dataDirectory, warmCache),
      nothing: bareNode,
    }
    const seconds = await alternate(contenders, bench.choose(9, 3))
    removeDirectory(directory)

    const finding = (name: 'cold' | 'warm'): Finding => {
      const value = median(seconds[name])
      const ratio = ratioOf(seconds[name], seconds.nothing)
      return {
        what: `start to first answered check, ${name} compile cache`,
        value: value * 1000,
        unit: 'ms',
        ratio: ratio.value,
        spread: ratio.spread,
        comparedWith: 'node -e 0',
        budget: `<= ${MAX_TIMES_NOTHING} times, < 1000 ms`,
        met: ratio.value <= MAX_TIMES_NOTHING && value < 1,
      }
    }
    return [finding('cold'), finding('warm')]
  },
}

async function untilAnswered(dataDirectory: string, compileCache: string): Promise<number> {
  const startedAt = performance.now()
  const server = await startHotPatch(dataDirectory, { NODE_COMPILE_CACHE: compileCache })
  const response = await fetch(...oneCheck(server.url))
  const seconds = (performance.now() - startedAt) / 1000
  if (response.status !== 200) throw new Error(`The first check was answered with ${response.status}.`)
  // A clean stop is when the cache is written.
  await server.stop()
  return seconds
}

async function bareNode(): Promise<number> {
  const startedAt = performance.now()
  await once(runNode(['-e', '0']), 'exit')
  return (performance.now() - startedAt) / 1000
}
