import type { EngineEvent } from '@hotpatch/client'
import type { DownloadArrival } from '@hotpatch/protocol'

/** What the devices of a fleet did and saw; of the server's view of it there may be more or less. */
export interface FleetFigures {
  devices: number
  /** Those whose app was removed. */
  uninstalled: number
  sessions: number
  offlineSessions: number
  checks: number
  /** By kind of answer: "release", "embedded", "nothing", "failed". */
  answers: Record<string, number>
  requests: number
  downloads: number
  downloadedBytes: number
  /** Of what was downloaded whole, as a patch, or packed, and of patches that did not work. */
  arrivals: Record<DownloadArrival, number> & { failedPatches: number }
  /** What the releases that were downloaded have, whole, and what came of them to be staged. */
  fullBytes: number
  receivedBytes: number
  staged: number
  applied: number
  confirmed: number
  crashes: number
  rolledBack: number
  nativeUpdates: number
  /** What could not be taken, by code. */
  failures: Record<string, number>
  /** How many devices run which version now, "embedded" among them. */
  versions: Record<string, number>
}

export type Tally = ReturnType<typeof createTally>

/** Counts as the devices go along. */
export function createTally(devices: number, embedded: string) {
  const counts = {
    uninstalled: 0,
    sessions: 0,
    offlineSessions: 0,
    checks: 0,
    staged: 0,
    applied: 0,
    confirmed: 0,
    crashes: 0,
    rolledBack: 0,
    nativeUpdates: 0,
    fullBytes: 0,
    receivedBytes: 0,
  }
  const arrivals = { whole: 0, patch: 0, packed: 0, failedPatches: 0 }
  const answers = new Map<string, number>()
  const failures = new Map<string, number>()
  const versions = new Map<string, number>([[embedded, devices]])

  function move(from: string, to: string | null): void {
    if (from === to) return
    addTo(versions, from, -1)
    if (to !== null) addTo(versions, to, 1)
  }

  function noteDownload(event: EngineEvent): void {
    if (event.type === 'patch-failed') arrivals.failedPatches += 1
    if (event.type !== 'downloaded') return
    arrivals[event.arrival] += 1
    counts.fullBytes += event.sizeBytes
    counts.receivedBytes += event.receivedBytes
  }

  return {
    counts,
    noteDownload,
    answered: (kind: string) => addTo(answers, kind, 1),
    failed: (code: string) => addTo(failures, code, 1),
    /** A device runs something else; null when it is gone. */
    move,
    figures: () => ({
      devices,
      ...counts,
      arrivals: { ...arrivals },
      answers: Object.fromEntries(answers),
      failures: Object.fromEntries(failures),
      versions: Object.fromEntries([...versions].filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1))),
    }),
  }
}

function addTo(counts: Map<string, number>, name: string, change: number): void {
  counts.set(name, (counts.get(name) ?? 0) + change)
}
