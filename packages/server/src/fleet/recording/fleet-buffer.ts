import { HOUR_MS } from '../../ground/clock.ts'
import type { DeviceNote, ReadReport } from './device-report.ts'

/** What somebody waits for. */
export interface BufferedReport extends ReadReport {
  stored: PromiseWithResolvers<void>
}

/** A part of the buffer on its way to the database. */
export interface Taken {
  notes: DeviceNote[]
  reports: BufferedReport[]
}

export type FleetBuffer = ReturnType<typeof createFleetBuffer>

/** What was not taken, by who told it. */
export interface Refused {
  known: number
  unknown: number
}

/** The part of the room for devices that the server has not seen before: the rest is for known ones. */
const STRANGERS_SHARE = 1 / 4

/**
 * What the fleet told and the database does not have yet, bounded. Of checks that count for the same, only the latest
 * of each device is kept; when there are too many, new ones are dropped. A report is taken or refused, so that its
 * sender knows. Devices that nobody has seen before fill a part of it at most: ids can be invented by the million, and
 * those of the real fleet cannot be guessed.
 * @param isKnown asked only when that part is full
 */
export function createFleetBuffer({
  maxNotes,
  maxReports,
  isKnown,
}: {
  maxNotes: number
  maxReports: number
  isKnown: (deviceId: string) => boolean
}) {
  const notes = new Map<string, DeviceNote>()
  // Older notes of devices in `notes` that count for something else.
  let earlier: DeviceNote[] = []
  const reports = new Map<string, BufferedReport>()
  const droppedNotes: Refused = { known: 0, unknown: 0 }
  const refusedReports: Refused = { known: 0, unknown: 0 }
  let unnamed = 0

  function addNote(note: DeviceNote): void {
    const key = deviceKey(note.appId, note.deviceId)
    const waiting = notes.get(key)
    if (!waiting && !hasRoomForNote(note.deviceId)) return
    if (waiting && !countsForTheSame(waiting, note)) keepEarlier(waiting)
    notes.set(key, note)
  }

  function keepEarlier(note: DeviceNote): void {
    if (hasRoomForNote(note.deviceId)) earlier.push(note)
  }

  /** Counts one as dropped when there is none. */
  function hasRoomForNote(deviceId: string): boolean {
    return hasRoom(notes.size + earlier.length, 1, maxNotes, deviceId, droppedNotes)
  }

  /** Counts them as refused when there is none. */
  function hasRoomForReports(count: number, deviceId: string): boolean {
    return hasRoom(reports.size, count, maxReports, deviceId, refusedReports)
  }

  function hasRoom(size: number, count: number, max: number, deviceId: string, refused: Refused): boolean {
    if (size + count <= max * STRANGERS_SHARE) return true
    const isOneOfUs = isKnown(deviceId)
    if (isOneOfUs && size + count <= max) return true
    refused[isOneOfUs ? 'known' : 'unknown'] += count
    return false
  }

  /** Resolves when the report is stored, rejects when a try to store it failed; then it is tried again all the same. */
  function addReport(report: ReadReport): Promise<void> {
    const key = report.event ? `${report.event.app_id}\n${report.event.id}` : `\n${unnamed++}`
    const waiting = reports.get(key)
    if (waiting) return waiting.stored.promise
    const stored = Promise.withResolvers<void>()
    reports.set(key, { ...report, stored })
    return stored.promise
  }

  /** What waits of a device is not written, and those who wait for it are told that it is done. */
  function forget(appId: string, deviceId: string): void {
    notes.delete(deviceKey(appId, deviceId))
    earlier = earlier.filter((note) => note.appId !== appId || note.deviceId !== deviceId)
    for (const [key, { device, stored }] of reports) {
      if (device.app_id !== appId || device.device_id !== deviceId) continue
      reports.delete(key)
      stored.resolve()
    }
  }

  /** The oldest of each, at most so many. */
  function take(maxRows: number): Taken {
    const first = earlier.slice(0, maxRows)
    earlier = earlier.slice(maxRows)
    return {
      notes: [...first, ...takeFirst(notes, maxRows - first.length)],
      reports: takeFirst(reports, maxRows),
    }
  }

  /** What could not be written: unless there is something newer by now that counts for the same. */
  function putBack(taken: Taken): void {
    for (const note of taken.notes) {
      const newer = notes.get(deviceKey(note.appId, note.deviceId))
      if (!newer || newer.at < note.at) addNote(note)
      else if (!countsForTheSame(note, newer)) keepEarlier(note)
    }
    // Whoever waited was told of the failed try.
    for (const { stored: _, ...report } of taken.reports) addReport(report).catch(() => undefined)
  }

  return {
    addNote,
    addReport,
    hasRoomForReports,
    forget,
    take,
    putBack,
    sizes: () => ({ notes: notes.size + earlier.length, reports: reports.size }),
    dropped: () => ({ notes: { ...droppedNotes }, reports: { ...refusedReports } }),
  }
}

export function deviceKey(appId: string, deviceId: string): string {
  return `${appId}\n${deviceId}`
}

/** Whether the later check tells all that the earlier one did. */
function countsForTheSame(earlier: DeviceNote, later: DeviceNote): boolean {
  return (
    earlier.rolloutId === later.rolloutId &&
    earlier.isOffer === later.isOffer &&
    earlier.at - (earlier.at % HOUR_MS) === later.at - (later.at % HOUR_MS)
  )
}

function takeFirst<Value>(map: Map<string, Value>, count: number): Value[] {
  const taken: Value[] = []
  for (const [key, value] of map) {
    if (taken.length === count) break
    taken.push(value)
    map.delete(key)
  }
  return taken
}
