import type { PeerRelease } from './releases.ts'

/** What a device that asks has. */
export type RunningRelease = { kind: 'embedded' } | { kind: 'release'; release: PeerRelease }

export interface PeerDevice {
  id: string
  /** As hot-updater's clients draw it, from 1 to 1,000. */
  cohort: number
  running: RunningRelease
}

/** A third as the store shipped them, a third on any older release, a third up to date. */
export function makeDevices(count: number, releases: readonly PeerRelease[]): PeerDevice[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `device-${String(index).padStart(8, '0')}`,
    cohort: 1 + (scatter(index) % 1_000),
    running: runningOf(index, releases),
  }))
}

function runningOf(index: number, releases: readonly PeerRelease[]): RunningRelease {
  const kinds = [undefined, releases[scatter(index) % (releases.length - 1)], releases.at(-1)]
  const release = kinds[index % kinds.length]
  return release ? { kind: 'release', release } : { kind: 'embedded' }
}

/** One of each that the releases can be told apart by: what is judged before anything is timed. */
export function oneOfEach(releases: readonly PeerRelease[]): PeerDevice[] {
  const running = releases.map((release): RunningRelease => ({ kind: 'release', release }))
  return [{ kind: 'embedded' } as const, ...running].map((running, index) => ({
    id: `judge-${index}`,
    cohort: 1 + index,
    running,
  }))
}

function scatter(count: number): number {
  return Math.imul(count, 0x9e3779b1) >>> 0
}
