import type { CheckNote, ReadReport } from './device-report.ts'

/** What somebody waits for. */
export interface BufferedReport extends ReadReport {
  stored: PromiseWithResolvers<void>
}

/** A part of the buffer on its way to the database. */
export interface Taken {
  notes: CheckNote[]
  reports: BufferedReport[]
}

export type FleetBuffer = ReturnType<typeof createFleetBuffer>

/**
 * What the fleet told and the database does not have yet, bounded. Of checks only the latest of each device counts, and
 * when there are too many devices, those that come are dropped; a report is taken or refused, so that its sender knows.
 */
export function createFleetBuffer({ maxNotes, maxReports }: { maxNotes: number; maxReports: number }) {
  const notes = new Map<string, CheckNote>()
  const reports = new Map<string, BufferedReport>()
  let droppedNotes = 0
  let unnamed = 0

  function addNote(note: CheckNote): void {
    const key = deviceKey(note.appId, note.deviceId)
    if (notes.size >= maxNotes && !notes.has(key)) droppedNotes++
    else notes.set(key, note)
  }

  function hasRoomForReports(count: number): boolean {
    return reports.size + count <= maxReports
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

  /** The oldest of each, at most so many. */
  function take(maxRows: number): Taken {
    return { notes: takeFirst(notes, maxRows), reports: takeFirst(reports, maxRows) }
  }

  /** What could not be written: unless there is something newer by now. */
  function putBack(taken: Taken): void {
    for (const note of taken.notes) {
      if (!notes.has(deviceKey(note.appId, note.deviceId))) addNote(note)
    }
    // Whoever waited was told of the failed try.
    for (const { stored: _, ...report } of taken.reports) addReport(report).catch(() => undefined)
  }

  return {
    addNote,
    addReport,
    hasRoomForReports,
    take,
    putBack,
    sizes: () => ({ notes: notes.size, reports: reports.size }),
    droppedNotes: () => droppedNotes,
  }
}

export function deviceKey(appId: string, deviceId: string): string {
  return `${appId}\n${deviceId}`
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
