import { mixedDevices } from '../checks.ts'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { openLoad } from '../load.ts'
import { mainThreadMicroseconds } from '../process-usage.ts'
import { makeDirectory, removeDirectory, startHotPatch } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { alternate, median, ratioOf } from '../statistics.ts'

const CONNECTIONS = 64
const MOST_RELEASES = 10_000
const KNOWN_DEVICES = 1_000_000
/** The same devices ask every server; those that it does not know become known. */
const ASKING = { devices: KNOWN_DEVICES, releases: MOST_RELEASES }

const SIZES = {
  small: { releases: 1, devices: 0 },
  hundred: { releases: 100, devices: 0 },
  manyReleases: { releases: MOST_RELEASES, devices: 0 },
  manyDevices: { releases: 1, devices: KNOWN_DEVICES },
}

export const checkScale: Measurement = {
  name: 'scale',
  async measure(bench) {
    const servers = {
      small: await start(bench, SIZES.small),
      hundred: await start(bench, SIZES.hundred),
      manyReleases: await start(bench, SIZES.manyReleases),
      manyDevices: await start(bench, SIZES.manyDevices),
    }
    const { small, hundred, manyReleases, manyDevices } = servers
    const contenders = { small: small.run, hundred: hundred.run, manyReleases: manyReleases.run }
    const results = await alternate({ ...contenders, manyDevices: manyDevices.run }, bench.choose(25, 7))
    for (const server of Object.values(servers)) await server.stop()

    const finding = (what: string, name: Exclude<keyof typeof SIZES, 'small'>): Finding => {
      const ratio = ratioOf(
        results[name].map((result) => result.perSecond),
        results.small.map((result) => result.perSecond),
      )
      const cost = ratioOf(
        results[name].map((result) => result.microseconds),
        results.small.map((result) => result.microseconds),
      )
      return {
        what,
        value: median(results[name].map((result) => result.perSecond)),
        unit: '/s',
        ratio: ratio.value,
        spread: ratio.spread,
        comparedWith: '1 release, 0 devices',
        budget: '>= 0.90',
        met: ratio.value >= 0.9,
        note: `processor time of a check: ${cost.value.toFixed(2)} of that with 1 release, 0 devices`,
      }
    }
    return [
      finding('check, 100 releases', 'hundred'),
      finding('check, 10,000 releases', 'manyReleases'),
      finding('check, 1,000,000 known devices', 'manyDevices'),
    ]
  },
}

async function start(bench: Bench, size: { releases: number; devices: number }) {
  const directory = makeDirectory()
  await seed(directory, size)
  const { port, pid, stop } = await startHotPatch(directory)
  const load = await openLoad({ port, connections: CONNECTIONS, makeRequest: mixedDevices(port, ASKING) })
  await load.saturate(bench.choose(2_500, 1_000))
  return {
    async run() {
      const before = mainThreadMicroseconds(pid)
      const { answers, perSecond } = await load.saturate(bench.choose(500, 250))
      return { perSecond, microseconds: (mainThreadMicroseconds(pid) - before) / answers }
    },
    async stop() {
      load.close()
      await stop()
      removeDirectory(directory)
    },
  }
}
