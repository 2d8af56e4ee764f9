import { createHash } from 'node:crypto'
import { isDeviceFailure, type DeviceEventKind, type Platform } from '@hotpatch/protocol'
import { UNTOLD, type DeviceEventRow, type DeviceRow } from './fleet-store.ts'

/** What a check told about a device. Kept as given until it is written: do not change it afterwards. */
export interface CheckNote {
  appId: string
  deviceId: string
  platform: Platform
  channel: string
  nativeVersion: string | null | undefined
  runtimeVersion: string | null | undefined
  /** Null is embedded. */
  currentReleaseId: string | null
  currentVersion: string | null
  cohorts: readonly string[]
  decision: string
  reason: string
  at: number
}

/** A device that shows itself outside a check. What it leaves out stays as it was. */
export interface DeviceRegistration {
  deviceId: string
  platform?: Platform | undefined
  channel?: string | undefined
  nativeVersion?: string | null | undefined
  runtimeVersion?: string | null | undefined
  /** Null is embedded. */
  currentReleaseId?: string | null | undefined
  currentVersion?: string | null | undefined
}

/** What a device says happened. */
export interface DeviceReport extends DeviceRegistration {
  /** The same event has the same id each time it is sent; without one, a release has each kind once on a device. */
  eventId?: string | undefined
  kind: DeviceEventKind
  releaseId?: string | null | undefined
  version?: string | null | undefined
  code?: string | null | undefined
  /** Cut to 1,000 characters. */
  detail?: string | null | undefined
  /** By the device's clock. */
  occurredAt?: number | undefined
}

/** What one report changes. */
export interface ReadReport {
  device: DeviceRow
  /** Whether `device` says what the device runs. */
  tellsCurrent: boolean
  event: DeviceEventRow | null
  /** Not to be offered to this device again (D4). */
  failedReleaseId: string | null
}

const MAX_DEVICE_ID_LENGTH = 200
const MAX_TEXT_LENGTH = 200
const MAX_DETAIL_LENGTH = 1_000
/** A clock that is further behind has lost its battery. */
const MAX_EVENT_AGE_MS = 365 * 24 * 3_600_000
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What can be a key in every database. */
export function isDeviceId(value: string): boolean {
  return value.length > 0 && value.length <= MAX_DEVICE_ID_LENGTH && !value.includes('\0')
}

export function readRegistration(appId: string, registration: DeviceRegistration, receivedAt: number): ReadReport {
  const { currentReleaseId, currentVersion } = registration
  return {
    device: {
      app_id: appId,
      device_id: registration.deviceId,
      platform: registration.platform ?? UNTOLD.platform,
      channel: text(registration.channel) ?? UNTOLD.channel,
      native_version: text(registration.nativeVersion),
      native_build: null,
      runtime_version: text(registration.runtimeVersion),
      os_version: null,
      model: null,
      locale: null,
      current_release_id: text(currentReleaseId),
      current_version: text(currentVersion),
      cohorts: '[]',
      last_decision: null,
      last_reason: null,
      last_check_at: null,
      rollout_id: null,
      progress: 0,
      first_seen_at: receivedAt,
      last_seen_at: receivedAt,
      gone_at: null,
    },
    tellsCurrent: currentReleaseId !== undefined || currentVersion !== undefined,
    event: null,
    failedReleaseId: null,
  }
}

export function readReport(appId: string, report: DeviceReport, receivedAt: number): ReadReport {
  const { kind, releaseId, version } = report
  const told = readRegistration(appId, report, receivedAt)
  const nowRuns = !told.tellsCurrent && (kind === 'applied' || kind === 'confirmed')
  return {
    device: nowRuns
      ? { ...told.device, current_release_id: text(releaseId), current_version: text(version) }
      : told.device,
    tellsCurrent: told.tellsCurrent || nowRuns,
    event: {
      id: eventId(report),
      app_id: appId,
      device_id: report.deviceId,
      kind,
      release_id: text(releaseId),
      version: text(version),
      code: text(report.code),
      detail: text(report.detail, MAX_DETAIL_LENGTH),
      rollout_id: null,
      received_bytes: null,
      occurred_at: clampOccurredAt(report.occurredAt, receivedAt),
      received_at: receivedAt,
    },
    failedReleaseId: isDeviceFailure(kind, report.code) ? text(releaseId) : null,
  }
}

export function rowOfNote(note: CheckNote): DeviceRow {
  return {
    app_id: note.appId,
    device_id: note.deviceId,
    platform: note.platform,
    channel: text(note.channel) ?? UNTOLD.channel,
    native_version: text(note.nativeVersion),
    native_build: null,
    runtime_version: text(note.runtimeVersion),
    os_version: null,
    model: null,
    locale: null,
    current_release_id: text(note.currentReleaseId),
    current_version: text(note.currentVersion),
    cohorts: JSON.stringify(note.cohorts),
    last_decision: note.decision,
    last_reason: note.reason,
    last_check_at: note.at,
    rollout_id: null,
    progress: 0,
    first_seen_at: note.at,
    last_seen_at: note.at,
    gone_at: null,
  }
}

function clampOccurredAt(occurredAt: number | undefined, receivedAt: number): number {
  // Written so that NaN fails it too.
  const isPlausible =
    occurredAt !== undefined && occurredAt <= receivedAt && occurredAt >= receivedAt - MAX_EVENT_AGE_MS
  return isPlausible ? Math.trunc(occurredAt) : receivedAt
}

/** Only a UUID is unique among devices; anything else is made so, and cannot imitate another device's event. */
function eventId({ eventId, deviceId, kind, releaseId, version }: DeviceReport): string {
  if (eventId && UUID.test(eventId)) return eventId.toLowerCase()
  const identity = eventId ? [deviceId, eventId] : [deviceId, kind, releaseId ?? version ?? null]
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)
}

/** Bounded, and without the one character that PostgreSQL does not store. */
function text(value: string | null | undefined, maxLength = MAX_TEXT_LENGTH): string | null {
  if (value === null || value === undefined) return null
  const bounded = value.length > maxLength ? value.slice(0, maxLength).toWellFormed() : value
  return bounded.includes('\0') ? bounded.replaceAll('\0', '\uFFFD') : bounded
}
