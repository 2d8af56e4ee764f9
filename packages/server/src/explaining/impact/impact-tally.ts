import { REASON_SENTENCES, type Impact, type WayOut } from '@hotpatch/api'
import type { RefusalReason } from '@hotpatch/protocol'
import type { SampledDevice } from '../../fleet/devices/device-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'

/** What a device would get if it did not refuse it. */
export interface Wanted {
  /** The same for the same content. */
  key: string
  /** Null: what the binary shipped with. */
  release: OfferedRelease | null
  percentage: number
}

/** What a change does to one device. Ids of releases; null is embedded. */
export interface DeviceImpact {
  from: string | null
  to: string | null
  fromVersion: string | null
  toVersion: string | null
  goesBack: boolean
  refuses: RefusalReason | undefined
  wants: Wanted | undefined
  isStranded: boolean
  isStrandedNow: boolean
  /** Falls to embedded, and would refuse what is in force for it. */
  isDropped: boolean
  isUntold: boolean
}

/** Stranded, or dropped: somebody whom what it wants reaches only when that is stated again. */
export interface LostDevice {
  device: SampledDevice
  wants: Wanted
}

const MAX_MOVES = 20
/** Kept to see whom a way out would reach: a sample of a sample beyond that. */
const MAX_LOST = 5_000

export function createImpactTally() {
  let judged = 0
  const counts = { changed: 0, goBack: 0, stranded: 0, strandedNow: 0, dropped: 0, untold: 0 }
  const moves = new Map<string, { from: string | null; to: string | null; devices: number }>()
  const refusals = new Map<RefusalReason, number>()
  const kept: LostDevice[] = []

  function add(device: SampledDevice, impact: DeviceImpact): void {
    judged += 1
    const { from, to, fromVersion, toVersion, refuses, wants } = impact
    if (from !== to) {
      counts.changed += 1
      if (impact.goesBack) counts.goBack += 1
      const name = JSON.stringify([from, to])
      const move = moves.get(name) ?? { from: fromVersion, to: toVersion, devices: 0 }
      moves.set(name, { ...move, devices: move.devices + 1 })
    }
    if (refuses) refusals.set(refuses, (refusals.get(refuses) ?? 0) + 1)
    if (impact.isStranded) counts.stranded += 1
    if (impact.isStrandedNow) counts.strandedNow += 1
    if (impact.isDropped) counts.dropped += 1
    if (impact.isUntold) counts.untold += 1
    if ((impact.isStranded || impact.isDropped) && wants && kept.length < MAX_LOST) kept.push({ device, wants })
  }

  /** Of the devices that were judged, as it is for all of them. */
  function render(
    devices: number,
    { isDrawn, wayOut }: { isDrawn: boolean; wayOut: (Omit<WayOut, 'stranded'> & { left: number }) | null },
  ): Impact {
    const scaled = (count: number) => Math.round((count * devices) / Math.max(judged, 1))
    const most = (a: { devices: number }, b: { devices: number }) => b.devices - a.devices
    const cannotTake = [...refusals].map(([reason, count]) => ({
      reason,
      explanation: REASON_SENTENCES[reason],
      devices: scaled(count),
    }))
    return {
      devices,
      judged,
      isExact: judged >= devices && !isDrawn,
      changed: scaled(counts.changed),
      goBack: scaled(counts.goBack),
      moves: [...moves.values()]
        .toSorted(most)
        .slice(0, MAX_MOVES)
        .map((move) => ({ ...move, devices: scaled(move.devices) })),
      cannotTake: cannotTake.toSorted(most),
      stranded: scaled(counts.stranded),
      strandedNow: scaled(counts.strandedNow),
      dropped: scaled(counts.dropped),
      untold: scaled(counts.untold),
      wayOut: wayOut && renderWayOut(wayOut),
    }

    function renderWayOut({ left, ...found }: Omit<WayOut, 'stranded'> & { left: number }): WayOut {
      // Those who want nothing that could be stated again stay, too.
      const lost = counts.stranded + counts.dropped
      const hopeless = lost - kept.length
      const share = kept.length === 0 ? 0 : left / kept.length
      const isWhole = kept.length < MAX_LOST
      return { ...found, stranded: scaled(isWhole ? left + hopeless : lost * share) }
    }
  }

  return { add, render, lost: (): readonly LostDevice[] => kept }
}
