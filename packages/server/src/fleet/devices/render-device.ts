import type { Device, DeviceEvent, TimelineEntry } from '@hotpatch/api'
import { nullableTimestamp, timestamp } from '../../ground/clock.ts'
import { trustOf } from './device-queries.ts'
import type { DeviceRow } from './device-store.ts'
import type { TimelinePosition, TimelineRow } from './device-timeline-store.ts'
import { readStoredAttributes } from '../recording/stored-attributes.ts'
import { PROGRESS } from '../progress/rollout-progress.ts'

const STEPS = Object.entries(PROGRESS).map(([name, bit]) => ({ bit, word: name.replaceAll('_', '-') }))

/** Of one device there is one: the last. */
const CHECK_ID = 'checked'

export function renderDevice(row: DeviceRow, failedReleaseIds: string[]): Device {
  return {
    id: row.device_id,
    appId: row.app_id,
    platform: row.platform,
    channel: row.channel,
    nativeVersion: row.native_version,
    runtimeVersion: row.runtime_version,
    attributes: readStoredAttributes(row.attributes),
    dialect: row.dialect,
    currentReleaseId: row.current_release_id,
    currentVersion: row.current_version,
    rolloutId: row.rollout_id,
    progress: STEPS.filter(({ bit }) => (row.progress & bit) !== 0).map(({ word }) => word),
    failedReleaseIds,
    cohorts: JSON.parse(row.cohorts),
    lastDecision: row.last_decision,
    lastReason: row.last_reason,
    lastCheckAt: nullableTimestamp(row.last_check_at),
    firstSeenAt: timestamp(row.first_seen_at),
    lastSeenAt: timestamp(row.last_seen_at),
    goneAt: nullableTimestamp(row.gone_at),
    trust: renderTrust(row),
  }
}

function renderTrust(row: DeviceRow): Device['trust'] {
  const trust = trustOf(row)
  return trust ? { ...trust, keyIds: [...trust.keyIds], builtAt: nullableTimestamp(trust.builtAt ?? null) } : null
}

export function renderEvent(row: TimelineRow): DeviceEvent {
  return {
    id: row.id,
    kind: row.kind,
    releaseId: row.release_id,
    version: row.version,
    code: row.code,
    detail: row.detail,
    ...(row.component !== null && { component: row.component }),
    occurredAt: timestamp(row.occurred_at),
    receivedAt: timestamp(row.received_at),
  }
}

export function renderTimelineRow(row: TimelineRow): TimelineEntry {
  const { rollout_id, channel, position } = row
  const isKnown = rollout_id !== null && channel !== null && position !== null
  return {
    ...renderEvent(row),
    rollout: isKnown ? { id: rollout_id, channel, position } : null,
    version: row.version,
    receivedBytes: row.received_bytes,
    arrival: row.arrival,
    decision: null,
    reason: null,
  }
}

/** Above what came in the same moment; undefined when it never checked. */
export function positionOfCheck({ last_check_at }: DeviceRow): TimelinePosition | undefined {
  if (last_check_at === null) return undefined
  return { receivedAt: last_check_at, occurredAt: Number.MAX_SAFE_INTEGER, id: CHECK_ID }
}

export function renderCheck(device: DeviceRow): TimelineEntry {
  const at = timestamp(device.last_check_at ?? device.last_seen_at)
  return {
    id: CHECK_ID,
    kind: 'checked',
    occurredAt: at,
    receivedAt: at,
    rollout: null,
    releaseId: device.current_release_id,
    version: device.current_version,
    code: null,
    detail: null,
    receivedBytes: null,
    arrival: null,
    decision: device.last_decision,
    reason: device.last_reason,
  }
}
