import { setTimeout as wait } from 'node:timers/promises'
import { usageOf } from '../machines/processes.ts'
import type { World } from '../world.ts'

const EVERY_MS = 3_000
/** A process that was just started has not what it needs yet. */
const WARM_AFTER_MS = 15_000
const MIB = 1024 * 1024
const LEAST_SAMPLES = 9

interface Sample {
  residentMib: number
  openFiles: number
  connections: number
}

/** What may be more at the end than at the beginning: half as much again, and a little. */
const ALLOWED: Record<keyof Sample, number> = { residentMib: 64, openFiles: 64, connections: 12 }

export interface Growth {
  server: number
  what: keyof Sample
  first: number
  last: number
}

/** Samples what each server holds, until the end, and compares the last third with the first. */
export async function watchGrowth(world: World): Promise<Growth[]> {
  const { site, timeline, end } = world
  const samples = site.servers.map((): Sample[] => [])
  while (!end.aborted) {
    await wait(EVERY_MS, undefined, { signal: end }).catch(() => undefined)
    const connections = await site.postgres?.countConnections()
    for (const server of site.servers) {
      const pid = server.pid()
      const usage = pid === undefined ? undefined : usageOf(pid)
      if (!usage || timeline.now() - server.startedAt() < WARM_AFTER_MS) continue
      const { residentBytes, openFiles } = usage
      samples[server.index]?.push({ residentMib: residentBytes / MIB, openFiles, connections: connections ?? 0 })
    }
  }
  return samples.flatMap((ofServer, server) => judge(world, server, ofServer))
}

function judge({ findings }: World, server: number, samples: readonly Sample[]): Growth[] {
  if (samples.length < LEAST_SAMPLES) {
    findings.count('servers that were too short alive to say whether they grow')
    return []
  }
  const third = Math.floor(samples.length / 3)
  return (Object.keys(ALLOWED) as (keyof Sample)[]).map((what) => {
    const first = median(samples.slice(0, third).map((sample) => sample[what]))
    const last = median(samples.slice(-third).map((sample) => sample[what]))
    findings.expectThat('nothing-grows', last <= first * 1.5 + ALLOWED[what], () => {
      return `Server ${server}: ${what} were ${first} in the first third, and ${last} in the last.`
    })
    return { server, what, first: Math.round(first), last: Math.round(last) }
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((one, two) => one - two)[Math.floor(values.length / 2)] ?? 0
}
