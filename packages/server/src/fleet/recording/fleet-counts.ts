import type { Schema } from '../../ground/database/schema.ts'
import type { CheckNote } from './device-report.ts'
import { createHourTally } from './hour-tally.ts'
import { startOfPeriod } from './writing/periods.ts'

export type CheckHourRow = Schema['check_hour']
export type UnkeptHourRow = Schema['unkept_hour']
export type DownloadHourRow = Schema['download_hour']

/** Counts that are added up: each packet has a number, and is added once, however often it is written. */
export interface CountPacket {
  /** Which run of which server counted. */
  source: string
  number: number
  checks: CheckHourRow[]
  downloads: DownloadHourRow[]
  /** Events that were not stored. */
  notKept: UnkeptHourRow[]
}

/** What left the server. */
export interface DownloadedBytes {
  /** Of the whole content, also when only a file of it was asked for. */
  sha256: string
  /** Null: of whichever release has these bytes. */
  releaseId: string | null
  /** A file counts by its bytes, and is no download by itself: one update may take hundreds. */
  isWhole: boolean
}

export type FleetCounts = ReturnType<typeof createFleetCounts>

/** What happens too often for a row of its own: checks and downloads, by the hour. */
export function createFleetCounts({ source, maxCells }: { source: string; maxCells: number }) {
  const checks = createHourTally({ maxCells })
  const downloads = createHourTally({ maxCells })
  const notKept = new Map<string, UnkeptHourRow>()
  let number = 0
  let inFlight: CountPacket | undefined

  function countCheck(note: Pick<CheckNote, 'at' | 'appId' | 'platform' | 'channel' | 'decision' | 'reason'>): void {
    const { at, appId, platform, channel, decision, reason } = note
    checks.add(at, [appId, platform, channel, decision, reason])
  }

  function countDownload(at: number, { sha256, releaseId, isWhole }: DownloadedBytes, sentBytes: number): void {
    downloads.add(at, [sha256, releaseId ?? ''], sentBytes, isWhole ? 1 : 0)
  }

  /** @param at when it arrived: by the server's clock, so that there are few hours at a time */
  function countNotKept(at: number, appId: string): void {
    const hourAt = startOfPeriod('hour', at)
    const key = `${appId} ${hourAt}`
    const events = (notKept.get(key)?.events ?? 0) + 1
    notKept.set(key, { app_id: appId, hour_at: hourAt, events })
  }

  function takeNotKept(): UnkeptHourRow[] {
    const rows = [...notKept.values()]
    notKept.clear()
    return rows
  }

  /** The same packet until it is `done`: a write that seemed to fail may have come through. */
  function take(): CountPacket {
    inFlight ??= {
      source,
      number: ++number,
      checks: checks.take().map(({ hourAt, keys, count }) => checkRow(hourAt, keys, count)),
      downloads: downloads.take().map(({ hourAt, keys, count, bytes }) => ({
        sha256: keys[0] ?? '',
        release_id: keys[1] ?? '',
        hour_at: hourAt,
        downloads: count,
        sent_bytes: bytes,
      })),
      notKept: takeNotKept(),
    }
    return inFlight
  }

  /** What was taken is written. */
  function done(): void {
    inFlight = undefined
  }

  function size(): number {
    const waiting = inFlight ? inFlight.checks.length + inFlight.downloads.length + inFlight.notKept.length : 0
    return checks.size() + downloads.size() + notKept.size + waiting
  }

  return {
    countCheck,
    countDownload,
    countNotKept,
    take,
    done,
    size,
    dropped: () => checks.dropped() + downloads.dropped(),
  }
}

function checkRow(hourAt: number, keys: readonly string[], checks: number): CheckHourRow {
  const [app_id = '', platform, channel = '', decision = '', reason = ''] = keys
  return { app_id, hour_at: hourAt, platform: platform as CheckHourRow['platform'], channel, decision, reason, checks }
}
