import { createHash } from 'node:crypto'
import {
  isDeviceFailure,
  reportedKind,
  type DeviceAttributes,
  type DeviceEventKind,
  type DeviceTrust,
  type DownloadArrival,
  type Platform,
} from '@hotpatch/protocol'
import { DAY_MS } from '../../ground/clock.ts'
import { NO_ATTRIBUTES, writeAttributes } from './stored-attributes.ts'
import { UNTOLD, type DeviceEventRow, type DeviceRow } from './fleet-store.ts'

/** What a device may tell of itself. What it leaves out stays as it was. */
export interface DeviceDetails {
  nativeVersion?: string | null | undefined
  runtimeVersion?: string | null | undefined
  attributes?: DeviceAttributes | undefined
  /** The client protocol that it speaks. */
  dialect?: string | undefined
  trust?: DeviceTrust | undefined
}

/** Whether it is shown that the installation itself tells it; absent where the app issues no credentials. */
export interface Proof {
  isProven: boolean
  /** Whether the app believes nobody without. */
  isNeeded: boolean
}

/** What a check told about a device. Kept as given until it is written: do not change it afterwards. */
export interface CheckNote extends DeviceDetails {
  appId: string
  /** Null of an anonymous device: its check is counted, and it has no row. */
  deviceId: string | null
  platform: Platform
  channel: string
  /** Null is embedded. */
  currentReleaseId: string | null
  currentVersion: string | null
  cohorts: readonly string[]
  decision: string
  reason: string
  /** The rollout that was offered, or else the one that it has what it runs from. */
  rolloutId: string | null
  isOffer: boolean
  /** When that rollout began. */
  rolloutStartedAt?: number | null
  /** A keyed hash of where it checks from; null: an address that names no network. */
  network?: string | null
  /** How long after its first check another one has to come for the device to be believed. */
  observedMs?: number
  proof?: Proof | undefined
  at: number
}

/** A device that shows itself outside a check. */
export interface DeviceRegistration extends DeviceDetails {
  deviceId: string
  proof?: Proof | undefined
  platform?: Platform | undefined
  channel?: string | undefined
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
  /** What it counts for; nothing is counted before the rollout started. */
  rollout?: { id: string; startedAt: number; others?: readonly string[] } | null | undefined
  code?: string | null | undefined
  /** Cut to 1,000 characters. */
  detail?: string | null | undefined
  receivedBytes?: number | null | undefined
  arrival?: DownloadArrival | undefined
  /** Of a kit, the component that it is about. It stands on the timeline, and is counted by itself alone (Events §1.1). */
  component?: string | undefined
  /** By the device's clock. */
  occurredAt?: number | undefined
  /** What the device's clock showed when it sent the report: how far that clock is off. */
  sentAt?: number | undefined
}

/** What one report changes. */
export interface ReadReport {
  device: DeviceRow
  proof?: Proof | undefined
  /** Whether `device` says what the device runs. */
  tellsCurrent: boolean
  event: DeviceEventRow | null
  /** It counts, and is not stored: there is no room for it. */
  isEventShed?: boolean
  /** Further rollouts that the event may be about: it is that one which the device was with. */
  otherRollouts: readonly string[]
  /** The time that the event counts at: when it happened, and not before its rollout started. */
  countsAt: number
  /** Not to be offered to this device again (D4). */
  failedReleaseId: string | null
}

const MAX_DEVICE_ID_LENGTH = 200
const MAX_TEXT_LENGTH = 200
const MAX_DETAIL_LENGTH = 1_000
/** A clock that is further behind has lost its battery. */
const MAX_EVENT_AGE_MS = 365 * DAY_MS
const MAX_RECEIVED_BYTES = 1e12
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What can be a key in every database. */
export function isDeviceId(value: string): boolean {
  return value.length > 0 && value.length <= MAX_DEVICE_ID_LENGTH && !value.includes('\0') && value.isWellFormed()
}

export function readRegistration(appId: string, registration: DeviceRegistration, receivedAt: number): ReadReport {
  const { deviceId, platform, channel, currentReleaseId, currentVersion } = registration
  return {
    device: {
      ...unknownDevice(appId, deviceId, receivedAt),
      ...attributesOf(registration),
      platform: platform ?? UNTOLD.platform,
      channel: text(channel) ?? UNTOLD.channel,
      current_release_id: text(currentReleaseId),
      current_version: text(currentVersion),
    },
    ...(registration.proof && { proof: registration.proof }),
    tellsCurrent: currentReleaseId !== undefined || currentVersion !== undefined,
    event: null,
    countsAt: receivedAt,
    otherRollouts: [],
    failedReleaseId: null,
  }
}

export function readReport(appId: string, report: DeviceReport, receivedAt: number): ReadReport {
  const { releaseId, version, rollout, component } = report
  const isOfAll = component === undefined
  const kind = isOfAll ? reportedKind(report.kind, report.code) : report.kind
  const told = readRegistration(appId, report, receivedAt)
  const nowRuns = isOfAll && !told.tellsCurrent && (kind === 'applied' || kind === 'confirmed')
  const occurredAt = timeOfEvent(report, receivedAt)
  return {
    device: nowRuns
      ? { ...told.device, current_release_id: text(releaseId), current_version: text(version) }
      : told.device,
    ...(report.proof && { proof: report.proof }),
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
      rollout_id: rollout?.id ?? null,
      received_bytes: readBytes(report.receivedBytes),
      arrival: kind === 'downloaded' ? (report.arrival ?? null) : null,
      component: text(component),
      occurred_at: occurredAt,
      received_at: receivedAt,
    },
    countsAt: Math.min(Math.max(occurredAt, rollout?.startedAt ?? 0), receivedAt),
    otherRollouts: rollout?.others ?? [],
    failedReleaseId: isOfAll && isDeviceFailure(kind, report.code) && !lacksProof(report) ? text(releaseId) : null,
  }
}

/** In the name of a device that may not be: what it says keeps no release from it. */
function lacksProof({ proof }: DeviceReport): boolean {
  return proof !== undefined && proof.isNeeded && !proof.isProven
}

/** A check of a device that has a row. */
export type DeviceNote = CheckNote & { deviceId: string }

export function rowOfNote(note: DeviceNote): DeviceRow {
  return {
    ...unknownDevice(note.appId, note.deviceId, note.at),
    ...attributesOf(note),
    platform: note.platform,
    channel: text(note.channel) ?? UNTOLD.channel,
    current_release_id: text(note.currentReleaseId),
    current_version: text(note.currentVersion),
    cohorts: note.cohorts.length === 0 ? '[]' : JSON.stringify(note.cohorts),
    last_decision: note.decision,
    last_reason: note.reason,
    last_check_at: note.at,
    first_check_at: note.at,
    network: note.network ?? null,
  }
}

function unknownDevice(appId: string, deviceId: string, at: number): DeviceRow {
  return {
    app_id: appId,
    device_id: deviceId,
    platform: UNTOLD.platform,
    channel: UNTOLD.channel,
    native_version: null,
    runtime_version: null,
    attributes: NO_ATTRIBUTES,
    dialect: null,
    current_release_id: null,
    current_version: null,
    cohorts: '[]',
    last_decision: null,
    last_reason: null,
    last_check_at: null,
    rollout_id: null,
    progress: 0,
    first_check_at: null,
    established_at: null,
    network: null,
    credential_at: null,
    first_seen_at: at,
    last_seen_at: at,
    gone_at: null,
    high_water: null,
    device_floor: null,
    trusted_keys: null,
    held_release_id: null,
    embedded_built_at: null,
  }
}

function attributesOf(told: DeviceDetails) {
  return {
    native_version: text(told.nativeVersion),
    runtime_version: text(told.runtimeVersion),
    attributes: writeAttributes(told.attributes ?? {}, text),
    dialect: told.dialect ?? null,
    ...(told.trust && trustColumns(told.trust)),
  }
}

function trustColumns({ highWater, floor, keyIds, heldReleaseId, builtAt }: DeviceTrust) {
  return {
    high_water: highWater,
    device_floor: floor,
    trusted_keys: JSON.stringify(keyIds),
    held_release_id: text(heldReleaseId),
    embedded_built_at: builtAt ?? null,
  }
}

/**
 * When it happened, by the server's clock: the device's clock is off by as much as `sentAt` shows.
 * The server's time of receiving where the device says nothing, or something that cannot be.
 */
export function timeOfEvent({ occurredAt, sentAt }: DeviceReport, receivedAt: number): number {
  if (occurredAt === undefined) return receivedAt
  const corrected = Math.trunc(occurredAt + (sentAt === undefined ? 0 : receivedAt - sentAt))
  // Written so that NaN fails it too.
  const isPlausible = corrected <= receivedAt && corrected >= receivedAt - MAX_EVENT_AGE_MS
  return isPlausible ? corrected : receivedAt
}

/** Only a UUID is unique among devices; anything else is made so, and cannot imitate another device's event. */
function eventId({ eventId, deviceId, kind, releaseId, version, component, proof }: DeviceReport): string {
  // Else it would stand where the device's own report is to come, which then counted for known.
  if (proof && !proof.isProven)
    return eventIdOf(['unproven', deviceId, eventId ?? null, kind, releaseId ?? version ?? null])
  if (eventId && UUID.test(eventId)) return eventId.toLowerCase()
  if (eventId) return eventIdOf([deviceId, eventId])
  return eventIdOf([deviceId, kind, releaseId ?? version ?? null, ...(component === undefined ? [] : [component])])
}

/** The same for the same event, for events that have no id of their own. */
export function eventIdOf(identity: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)
}

function readBytes(bytes: number | null | undefined): number | null {
  return bytes !== null && bytes !== undefined && bytes >= 0 && bytes <= MAX_RECEIVED_BYTES ? Math.trunc(bytes) : null
}

/** Bounded, and without the one character that PostgreSQL does not store. */
function text(value: string | null | undefined, maxLength = MAX_TEXT_LENGTH): string | null {
  if (value === null || value === undefined) return null
  const bounded = value.length > maxLength ? value.slice(0, maxLength).toWellFormed() : value
  return bounded.includes('\0') ? bounded.replaceAll('\0', '\uFFFD') : bounded
}
