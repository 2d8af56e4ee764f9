import { randomInt } from 'node:crypto'
import { problem, type Platform } from '@hotpatch/protocol'
import { uuidv7 } from 'uuidv7'
import { type CancelTimer, type Clock, MINUTE_MS, systemTimers, type Timers } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { Log } from '../../ground/log.ts'
import {
  isDeviceId,
  readRegistration,
  readReport,
  type CheckNote,
  type DeviceNote,
  type DeviceRegistration,
  type DeviceReport,
  type ReadReport,
} from './device-report.ts'
import { createLimiters, type CreateLimiter } from '../../ground/http/share-limits.ts'
import { ALONE } from '../../ground/workers/crew.ts'
import { createEventBudget } from './event-budget.ts'
import { createFailureMemory } from './failure-memory.ts'
import { createKnownDevices } from './known-devices.ts'
import { eachDevice } from './fleet-store.ts'
import { createFleetBuffer } from './fleet-buffer.ts'
import { createFleetCounts, type DownloadedBytes } from './fleet-counts.ts'
import { createFleetFlusher, RETRY_LATER } from './fleet-flusher.ts'
import { claimCredential as claimStoredCredential } from './fleet-store.ts'
import type { FleetWriter } from './writing/fleet-writer.ts'

export const FLEET_LIMITS = {
  /** Devices whose check waits to be written; about half a kilobyte each. */
  maxNotes: 100_000,
  maxReports: 20_000,
  /** Different counts of an hour that wait to be written: by app, platform, channel, decision and reason. */
  maxCountCells: 10_000,
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
  /** Of events that are stored one by one; 0 for no limit. */
  deviceEventsPerDay: 0,
  maxEventBytes: 0,
  maxAppEventBytes: 0,
  /** How often to look at what other servers stored, and what was deleted. */
  budgetRefreshMs: 10_000,
  /** Room for which devices the server has seen before: millions of them, at two to five bytes each. */
  maxKnownBytes: 16 * 2 ** 20,
  maxNewcomers: 200_000,
  /** How long a device must have been seen to count as known, at the least. */
  knownAfterMs: 10 * MINUTE_MS,
  /** How often to look for failures that other servers wrote; 0 when there are none. */
  refreshFailuresMs: 0,
}
export type FleetLimits = typeof FLEET_LIMITS

export type FleetService = ReturnType<typeof createFleetService>

export function createFleetService({
  db,
  reads = db,
  writer,
  clock,
  timers = systemTimers,
  log,
  newId = uuidv7,
  createLimiter = createLimiters({ crew: ALONE, clock, timers }),
  limits: changedLimits = {},
}: {
  db: Database
  /** For what takes long. */
  reads?: Database
  writer: FleetWriter
  clock: Clock
  timers?: Timers
  log: Log
  newId?: () => string
  createLimiter?: CreateLimiter
  limits?: Partial<FleetLimits>
}) {
  const limits = { ...FLEET_LIMITS, ...changedLimits }
  const known = createKnownDevices({
    maxBytes: limits.maxKnownBytes,
    maxNewcomers: limits.maxNewcomers,
    seeds: [randomInt(2 ** 32), randomInt(2 ** 32)],
  })
  const buffer = createFleetBuffer({ ...limits, isKnown: known.isKnown })
  const counts = createFleetCounts({ source: newId(), maxCells: limits.maxCountCells })
  const flusher = createFleetFlusher({ buffer, counts, writer, onWritten: known.learn, clock, timers, log, limits })
  const failures = createFailureMemory({ db, clock, maxDevices: limits.maxFailedDevices, isKnown: known.isKnown })
  const budget = createEventBudget({ db: reads, createLimiter, limits })
  let cancelBudget: CancelTimer | undefined
  let cancelRefresh: CancelTimer | undefined
  let cancelTurn: CancelTimer | undefined
  let isStopped = false
  let learning: Promise<void> | undefined

  /** Knows, from here on, which releases failed where. */
  async function start(): Promise<void> {
    await failures.refresh()
    scheduleRefresh()
    await budget.refresh()
    scheduleBudget()
    learning = learnAll()
    scheduleTurn()
  }

  /** All that the database knows; nobody waits for it, and until it is done nobody gives way to anybody. */
  async function learnAll(): Promise<void> {
    const seenBefore = clock.now() - limits.knownAfterMs
    try {
      for await (const { device_id, first_seen_at } of eachDevice(reads, () => isStopped)) {
        if (first_seen_at < seenBefore) known.add(device_id)
        else known.learn(device_id)
      }
      known.complete()
    } catch (error) {
      if (isStopped) return
      log.warn({ err: error }, 'the known devices cannot be read; in a flood they have no room of their own')
    }
  }

  function scheduleBudget(): void {
    if (isStopped) return
    cancelBudget = timers.after(limits.budgetRefreshMs, () => {
      budget
        .refresh()
        .catch((error: unknown) => log.warn({ err: error }, 'how much room events take cannot be read'))
        .finally(scheduleBudget)
    })
  }

  function scheduleTurn(): void {
    if (isStopped) return
    cancelTurn = timers.after(limits.knownAfterMs, () => {
      known.turn()
      scheduleTurn()
    })
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
    cancelTurn?.()
    cancelBudget?.()
    await learning
    await flusher.stop(limits.stopWaitMs)
  }

  /** For the check path: takes a microsecond, waits for nothing, never throws. */
  function noteCheck(note: CheckNote): void {
    counts.countCheck(note)
    if (isOfDevice(note)) buffer.addNote(note)
    flusher.wake()
  }

  /** A feed was read: by whom, nobody knows. */
  function countFeed({ isEmpty, ...read }: FeedCount): void {
    counts.countCheck({ ...read, decision: 'feed', reason: isEmpty ? 'nothing-published' : 'in-force' })
    flusher.wake()
  }

  /** @param sentBytes that left the server: a part when the client asked for a part */
  function noteDownload(of: DownloadedBytes, sentBytes: number): void {
    counts.countDownload(clock.now(), of, sentBytes)
    flusher.wake()
  }

  /**
   * Resolves when all of them are stored; what was stored before is not stored again.
   * @throws problem too-many-requests when too much waits to be stored: nothing of it was taken
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

  /** Whether the device, which is registered, gets a credential now: there is one, and the first who asks has it. */
  function claimCredential(appId: string, deviceId: string): Promise<boolean> {
    return claimStoredCredential(db, appId, deviceId, clock.now())
  }

  async function keep(reports: readonly ReadReport[]): Promise<void> {
    if (isStopped) throw problem('unavailable', 'The server stops. Send the report again later.', RETRY_LATER)
    if (!buffer.hasRoomForReports(reports.length, reports[0]?.device.device_id ?? '')) {
      throw problem('too-many-requests', 'Too many reports wait to be stored. Send it again later.', RETRY_LATER)
    }
    for (const { device, failedReleaseId } of reports) {
      const { app_id, device_id } = device
      if (failedReleaseId !== null) failures.add(app_id, device_id, failedReleaseId, known.isKnown(device_id))
    }
    const stored = reports.map(withinBudget).map(buffer.addReport)
    flusher.wake()
    await Promise.all(stored)
  }

  /** An event for which there is no room counts, and is not stored. */
  function withinBudget(report: ReadReport): ReadReport {
    const { event } = report
    if (!event || budget.keeps(event, known.isKnown(event.device_id))) return report
    counts.countNotKept(event.received_at, event.app_id)
    return { ...report, isEventShed: true }
  }

  /** Whoever reads from the database now finds all that was told before. @throws problem unavailable */
  function settle(): Promise<void> {
    return flusher.flush(limits.readWaitMs)
  }

  /**
   * Deletes a device when nothing that it told before is on its way to the database, which would bring it back.
   * @param remove from the database
   */
  async function forget<Result>(appId: string, deviceId: string, remove: () => Promise<Result>): Promise<Result> {
    buffer.forget(appId, deviceId)
    await flusher.idle()
    // What a failed write put back.
    buffer.forget(appId, deviceId)
    const result = await remove()
    failures.forget(appId, deviceId)
    return result
  }

  function counters() {
    const { notes, reports } = buffer.sizes()
    const dropped = buffer.dropped()
    return {
      bufferedNotes: notes,
      bufferedEvents: reports,
      droppedNotes: dropped.notes.known + dropped.notes.unknown,
      droppedStrangers: dropped.notes.unknown,
      droppedCounts: counts.dropped(),
      refusedReports: dropped.reports.known + dropped.reports.unknown,
      refusedStrangers: dropped.reports.unknown,
      rememberedFailures: failures.size(),
      ...budget.counts(),
      knownDevices: known.sizes().devices,
      knownBytes: known.sizes().sizeBytes,
      ...flusher.counts(),
    }
  }

  return {
    start,
    stop,
    noteCheck,
    countFeed,
    noteDownload,
    recordEvents,
    registerDevice,
    claimCredential,
    failedReleaseIds: failures.failedReleaseIds,
    isKnown: known.isKnown,
    /** When all devices of the database are known. */
    whenLearnt: () => learning ?? Promise.resolve(),
    settle,
    forget,
    counters,
  }
}

export interface FeedCount {
  appId: string
  platform: Platform
  channel: string
  isEmpty: boolean
  at: number
}

function isOfDevice(note: CheckNote): note is DeviceNote {
  return note.deviceId !== null && isDeviceId(note.deviceId)
}

function requireDeviceId(deviceId: string): void {
  if (isDeviceId(deviceId)) return
  throw problem('invalid-request', 'The device id: expected 1 to 200 characters of Unicode text, and no NUL.')
}
