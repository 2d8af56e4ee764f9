import type { Attempt } from '../ledger.ts'

export const DEVICE_PLATFORMS = ['android', 'ios', 'web'] as const

export interface DeviceFacts {
  id: string
  platform: (typeof DEVICE_PLATFORMS)[number]
  channel: 'production' | 'staging'
  /** Undefined: what its binary shipped with. */
  running: Attempt | undefined
  highestSequence: number
}

const STAGING_EVERY = 10
/** Enough to remember what nobody may forget. */
const MAX_FAILURES = 20_000

/** What a million devices have, in a few bytes each. */
export function createPopulation(size: number, seed: string) {
  const running = new Int32Array(size).fill(-1)
  const highest = new Int32Array(size)
  const releases: Attempt[] = []
  const indexes = new Map<Attempt, number>()
  /** Since when the server knows that a release failed on a device. */
  const failures = new Map<string, number>()

  function facts(index: number): DeviceFacts {
    const release = running[index] ?? -1
    return {
      id: `soak-${seed}-${index}`,
      platform: DEVICE_PLATFORMS[index % DEVICE_PLATFORMS.length] ?? 'android',
      channel: index % STAGING_EVERY === 0 ? 'staging' : 'production',
      running: release < 0 ? undefined : releases[release],
      highestSequence: highest[index] ?? 0,
    }
  }

  /** @param sequence of the statement that it came with */
  function run(index: number, release: Attempt | undefined, sequence: number): void {
    running[index] = release ? indexOf(release) : -1
    highest[index] = Math.max(highest[index] ?? 0, sequence)
  }

  function indexOf(release: Attempt): number {
    const known = indexes.get(release)
    if (known !== undefined) return known
    indexes.set(release, releases.push(release) - 1)
    return releases.length - 1
  }

  const keyOf = (index: number, releaseId: string) => `${index} ${releaseId}`

  return {
    size,
    facts,
    run,
    noteFailure(index: number, releaseId: string, at: number): void {
      if (failures.size < MAX_FAILURES) failures.set(keyOf(index, releaseId), at)
    },
    failedAt: (index: number, releaseId: string) => failures.get(keyOf(index, releaseId)),
  }
}

export type Population = ReturnType<typeof createPopulation>
