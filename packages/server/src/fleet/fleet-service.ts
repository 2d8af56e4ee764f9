import type { Device, DeviceEvent, DeviceFilter, DeviceWithEvents, Page, PageQuery } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { timestamp, type Clock } from '../clock.ts'
import type { Database } from '../database/schema.ts'
import {
  isDeviceId,
  readRegistration,
  readReport,
  type CheckNote,
  type DeviceRegistration,
  type DeviceReport,
  type ReadReport,
} from './device-report.ts'
import { createFailureMemory } from './failure-memory.ts'
import { createFleetBuffer } from './fleet-buffer.ts'
import {
  createFleetFlusher,
  RETRY_LATER,
  systemTimers,
  type CancelTimer,
  type FleetLog,
  type Timers,
} from './fleet-flusher.ts'
import * as store from './fleet-store.ts'
import type { FleetWriter } from './fleet-writer.ts'

export const FLEET_LIMITS = {
  /** Devices whose check waits to be written; about half a kilobyte each. */
  maxNotes: 100_000,
  maxReports: 20_000,
  batchRows: 600,
  noteDelayMs: 1_000,
  reportDelayMs: 25,
  minRetryMs: 250,
  maxRetryMs: 5_000,
  /** How long reading devices waits for what is still in memory. */
  readWaitMs: 5_000,
  stopWaitMs: 10_000,
  /** Devices whose failed releases are known without the database. */
  maxFailedDevices: 200_000,
  /** How often to look for failures that other servers wrote; 0 when there are none. */
  refreshFailuresMs: 0,
}
export type FleetLimits = typeof FLEET_LIMITS

const DEFAULT_PAGE_LIMIT = 50
const MAX_EVENTS = 100

export type FleetService = ReturnType<typeof createFleetService>

export function createFleetService({
  db,
  writer,
  clock,
  timers = systemTimers,
  log,
  limits: changedLimits = {},
}: {
  db: Database
  writer: FleetWriter
  clock: Clock
  timers?: Timers
  log: FleetLog
  limits?: Partial<FleetLimits>
}) {
  const limits = { ...FLEET_LIMITS, ...changedLimits }
  const buffer = createFleetBuffer(limits)
  const flusher = createFleetFlusher({ buffer, writer, clock, timers, log, limits })
  const failures = createFailureMemory({ db, maxDevices: limits.maxFailedDevices })
  let cancelRefresh: CancelTimer | undefined
  let isStopped = false

  /** Knows, from here on, which releases failed where. */
  async function start(): Promise<void> {
    await failures.refresh()
    scheduleRefresh()
  }

  function scheduleRefresh(): void {
    if (limits.refreshFailuresMs === 0 || isStopped) return
    cancelRefresh = timers.after(limits.refreshFailuresMs, () => {
      failures
        .refresh()
        .catch((error: unknown) => log.warn({ err: error }, 'the failures that other servers stored cannot be read'))
        .finally(scheduleRefresh)
    })
  }

  /** Writes what is in memory, for at most `stopWaitMs`. To be called when no more requests come. */
  async function stop(): Promise<void> {
    isStopped = true
    cancelRefresh?.()
    await flusher.stop(limits.stopWaitMs)
  }

  /** For the check path: takes a microsecond, waits for nothing, never throws. */
  function noteCheck(note: CheckNote): void {
    if (!isDeviceId(note.deviceId)) return
    buffer.addNote(note)
    flusher.wake()
  }

  /**
   * Resolves when all of them are stored; what was stored before is not stored again.
   * @throws problem unavailable, also when some of them will be stored after all: send them again
   */
  async function recordEvents(appId: string, reports: readonly DeviceReport[]): Promise<void> {
    const receivedAt = clock.now()
    for (const { deviceId } of reports) requireDeviceId(deviceId)
    await keep(reports.map((report) => readReport(appId, report, receivedAt)))
  }

  /** Resolves when it is stored. */
  async function registerDevice(appId: string, registration: DeviceRegistration): Promise<void> {
    requireDeviceId(registration.deviceId)
    await keep([readRegistration(appId, registration, clock.now())])
  }

  async function keep(reports: readonly ReadReport[]): Promise<void> {
    if (isStopped || !buffer.hasRoomForReports(reports.length)) {
      throw problem('unavailable', 'The report cannot be stored now. Send it again later.', RETRY_LATER)
    }
    for (const { device, failedReleaseId } of reports) {
      if (failedReleaseId !== null) failures.add(device.app_id, device.device_id, failedReleaseId)
    }
    const stored = reports.map(buffer.addReport)
    flusher.wake()
    await Promise.all(stored)
  }

  /** Last seen first. */
  async function listDevices(appId: string, filter: DeviceFilter, page: PageQuery): Promise<Page<Device>> {
    const after = page.cursor === undefined ? undefined : readCursor(page.cursor)
    const limit = page.limit ?? DEFAULT_PAGE_LIMIT
    await flusher.flush(limits.readWaitMs)
    const rows = await store.listDevices(db, appId, filter, { after, limit: limit + 1 })
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return { items: await withFailures(appId, shown), nextCursor: rows.length > limit && last ? cursorOf(last) : null }
  }

  async function findDevice(appId: string, deviceId: string): Promise<Device | undefined> {
    await flusher.flush(limits.readWaitMs)
    const row = await store.findDevice(db, appId, deviceId)
    return row && (await withFailures(appId, [row]))[0]
  }

  async function getDevice(appId: string, deviceId: string): Promise<DeviceWithEvents> {
    const device = await findDevice(appId, deviceId)
    if (!device) throw problem('device-not-found', `No device "${deviceId}" has shown itself.`, { deviceId })
    const events = await store.listDeviceEvents(db, appId, deviceId, MAX_EVENTS)
    return { ...device, events: events.map(renderEvent) }
  }

  async function withFailures(appId: string, rows: readonly store.DeviceRow[]): Promise<Device[]> {
    if (rows.length === 0) return []
    const ids = rows.map((row) => row.device_id)
    const failed = Map.groupBy(await store.listFailuresOfDevices(db, appId, ids), (failure) => failure.device_id)
    return rows.map((row) => renderDevice(row, failed.get(row.device_id)?.map((failure) => failure.release_id) ?? []))
  }

  function counters() {
    const { notes, reports } = buffer.sizes()
    return {
      bufferedNotes: notes,
      bufferedEvents: reports,
      droppedNotes: buffer.droppedNotes(),
      rememberedFailures: failures.size(),
      ...flusher.counts(),
    }
  }

  return {
    start,
    stop,
    noteCheck,
    recordEvents,
    registerDevice,
    failedReleaseIds: failures.failedReleaseIds,
    listDevices,
    findDevice,
    getDevice,
    counters,
  }
}

function requireDeviceId(deviceId: string): void {
  if (isDeviceId(deviceId)) return
  throw problem('invalid-request', 'The device id: expected 1 to 200 characters, and no NUL.')
}

function cursorOf({ last_seen_at, device_id }: store.DeviceRow): string {
  return Buffer.from(`${last_seen_at}:${device_id}`).toString('base64url')
}

function readCursor(cursor: string): store.DevicePosition {
  const [, lastSeenAt, deviceId] = /^(\d{1,15}):(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (lastSeenAt === undefined || deviceId === undefined || !isDeviceId(deviceId)) {
    throw problem('invalid-request', 'cursor: expected the nextCursor of an earlier page.')
  }
  return { lastSeenAt: Number(lastSeenAt), deviceId }
}

function renderDevice(row: store.DeviceRow, failedReleaseIds: string[]): Device {
  return {
    id: row.device_id,
    appId: row.app_id,
    platform: row.platform,
    channel: row.channel,
    nativeVersion: row.native_version,
    runtimeVersion: row.runtime_version,
    currentReleaseId: row.current_release_id,
    currentVersion: row.current_version,
    failedReleaseIds,
    cohorts: JSON.parse(row.cohorts),
    lastDecision: row.last_decision,
    lastReason: row.last_reason,
    firstSeenAt: timestamp(row.first_seen_at),
    lastSeenAt: timestamp(row.last_seen_at),
  }
}

function renderEvent(row: store.DeviceEventRow): DeviceEvent {
  return {
    id: row.id,
    kind: row.kind,
    releaseId: row.release_id,
    version: row.version,
    code: row.code,
    detail: row.detail,
    occurredAt: timestamp(row.occurred_at),
    receivedAt: timestamp(row.received_at),
  }
}
