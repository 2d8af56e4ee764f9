import { isRefusalToGoBack, type DeviceEventKind, type DownloadArrival, type SdkCode } from '@hotpatch/protocol'
import { rowOfNote, type DeviceNote, type Proof, type ReadReport } from '../device-report.ts'
import type { CountPacket } from '../fleet-counts.ts'
import type { DeviceEventRow, DeviceFailureRow, DeviceRow } from '../fleet-store.ts'
import { PROGRESS } from '../../progress/rollout-progress.ts'

/** What is written together. Of a device there may be several notes and reports. */
export interface FleetBatch {
  notes: readonly DeviceNote[]
  reports: readonly ReadReport[]
  counts: CountPacket
  /** Failures get this time: other servers look for what is new by time, and miss nothing that waited. */
  writtenAt: number
}

/** One thing that was told about a device: by a check, or by a report. */
export interface Fact {
  /** With null for what was not told. */
  told: DeviceRow
  tells: 'everything' | 'what-runs' | 'little'
  rolloutId: string | null
  /** How far the device came with that rollout: one bit of `PROGRESS`, or 0. */
  bit: number
  /** The time that `bit` counts at. */
  countsAt: number
  receivedBytes: number
  /** Of what was downloaded, how it came, where the device told. */
  arrival: DownloadArrival | null
  /** Whether a patch did not work, and the whole download followed. */
  isPatchFailure: boolean
  /** Of a check: when that rollout began, and when after its first check a device is established. */
  startedAt: number | null
  observedMs: number
  proof?: Proof | undefined
  /** Of what was told without the proof that it takes: how far the device would have come. */
  unprovenBit?: number
}

const PATCH_FAILED = 'patch-failed' satisfies SdkCode

const BITS: Partial<Record<DeviceEventKind, number>> = {
  'download-started': PROGRESS.download_started,
  downloaded: PROGRESS.downloaded,
  'download-failed': PROGRESS.download_failed,
  applied: PROGRESS.applied,
  confirmed: PROGRESS.confirmed,
  failed: PROGRESS.failed,
  'rolled-back': PROGRESS.rolled_back,
  crashed: PROGRESS.crashed,
}

export function factOfNote(note: DeviceNote): Fact {
  const { rolloutId, isOffer, at } = note
  const bit = isOffer ? PROGRESS.offered : PROGRESS.running
  return {
    told: rowOfNote(note),
    tells: 'everything',
    rolloutId,
    bit: rolloutId === null ? 0 : bit,
    countsAt: at,
    receivedBytes: 0,
    arrival: null,
    isPatchFailure: false,
    startedAt: note.rolloutStartedAt ?? null,
    observedMs: note.observedMs ?? 0,
    ...(note.proof && { proof: note.proof }),
  }
}

/** @param isNewEvent false when the event was stored before: then it was counted, too */
export function factOfReport(report: ReadReport, isNewEvent: boolean): Fact {
  const { device, tellsCurrent, event, countsAt, isEventShed = false } = report
  // What is told of a component of a kit says nothing of how far the device came with all of it.
  const isOfAll = event?.component === null
  const rolloutId = (isOfAll && event?.rollout_id) || null
  // Nobody remembers whether it came before: how far a device came counts once in any case, and bytes do not.
  const isCounted = isNewEvent || isEventShed
  return {
    told: device,
    tells: tellsCurrent ? 'what-runs' : 'little',
    rolloutId,
    bit: event && isCounted && rolloutId !== null ? bitOf(event) : 0,
    countsAt,
    receivedBytes: isNewEvent && isOfAll ? (event.received_bytes ?? 0) : 0,
    arrival: event?.arrival ?? null,
    isPatchFailure: isNewEvent && isOfAll && event.kind === 'download-failed' && event.code === PATCH_FAILED,
    startedAt: null,
    observedMs: 0,
    ...(report.proof && { proof: report.proof }),
  }
}

/** Without the proof that it needs, what is told of a device says only that it is there. */
export function asFarAsProven(fact: Fact, known: DeviceRow | undefined): Fact {
  const { proof, told } = fact
  if (!proof || proof.isProven || !(proof.isNeeded || (known && known.credential_at !== null))) return fact
  return {
    ...fact,
    told: known ? { ...known, last_seen_at: told.last_seen_at } : { ...told, ...NOTHING_CHECKED },
    tells: 'little',
    bit: 0,
    unprovenBit: fact.bit,
    receivedBytes: 0,
    isPatchFailure: false,
    startedAt: null,
  }
}

const NOTHING_CHECKED = { first_check_at: null, network: null, high_water: null } as const

function bitOf({ kind, code }: DeviceEventRow): number {
  if (kind === 'failed' && isRefusalToGoBack(code)) return 0
  return BITS[kind] ?? 0
}

/** Two servers that write the same devices wait for each other instead of deadlocking. Of one device by time. */
export function inLockOrder(facts: Fact[]): Fact[] {
  return facts.sort(
    ({ told: a }, { told: b }) =>
      compare(a.app_id, b.app_id) || compare(a.device_id, b.device_id) || a.last_seen_at - b.last_seen_at,
  )
}

export function inOrderOfTime(reports: readonly ReadReport[]): ReadReport[] {
  return reports.toSorted((a, b) => a.device.last_seen_at - b.device.last_seen_at)
}

/** An event that is in the batch twice is there once: as it came first. */
export function eventsOf(reports: readonly ReadReport[]): DeviceEventRow[] {
  const events = new Map<string, DeviceEventRow>()
  for (const { event } of reports.toReversed()) if (event) events.set(`${event.app_id}\n${event.id}`, event)
  return [...events.values()].sort((a, b) => compare(a.app_id, b.app_id) || compare(a.id, b.id))
}

export function failuresOf(reports: readonly ReadReport[], failed_at: number): DeviceFailureRow[] {
  const failures = new Map<string, DeviceFailureRow>()
  for (const { device, failedReleaseId: release_id } of reports) {
    const { app_id, device_id } = device
    if (release_id !== null) {
      failures.set(`${app_id}\n${device_id}\n${release_id}`, { app_id, device_id, release_id, failed_at })
    }
  }
  return [...failures.entries()].sort(([a], [b]) => compare(a, b)).map(([, failure]) => failure)
}

/** What was told, without what is concluded from it. */
export function countRows({ notes, reports }: FleetBatch): number {
  return notes.length + reports.reduce((rows, { event }) => rows + (event ? 2 : 1), 0)
}

export function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
