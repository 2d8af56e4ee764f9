import { DAY_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { CreateLimiter } from '../../ground/http/share-limits.ts'
import type { DeviceEventRow } from './fleet-store.ts'

/** An event's row and what finds it, without its texts. */
const ROW_BYTES = 300
/** Of the room, what devices that the server has not seen before may fill. */
const STRANGERS_SHARE = 0.8

export interface EventBudgetLimits {
  /** Stored of one device; 0 for no limit. */
  deviceEventsPerDay: number
  /** Of all apps together, and of each; 0 for no limit. */
  maxEventBytes: number
  maxAppEventBytes: number
}

/**
 * Which events are stored one by one. What is not stored is counted all the same, in the figures of its rollout and in
 * what is known of its device: under a flood the history of single devices gives way first.
 */
export function createEventBudget({
  db,
  createLimiter,
  limits,
}: {
  db: Database
  createLimiter: CreateLimiter
  limits: EventBudgetLimits
}) {
  const { deviceEventsPerDay, maxEventBytes, maxAppEventBytes } = limits
  const devices = createLimiter('device events', deviceEventsPerDay, DAY_MS)
  // As the database has it, and what came since.
  let used = new Map<string, number>()
  let total = 0
  let notKept = 0

  function keeps(event: DeviceEventRow, isKnown: boolean): boolean {
    const bytes = bytesOf(event)
    const share = isKnown ? 1 : STRANGERS_SHARE
    const ofApp = used.get(event.app_id) ?? 0
    const isRoom = isWithin(total + bytes, maxEventBytes * share) && isWithin(ofApp + bytes, maxAppEventBytes * share)
    if (!isRoom || devices.take(`${event.app_id} ${event.device_id}`) > 0) {
      notKept++
      return false
    }
    used.set(event.app_id, ofApp + bytes)
    total += bytes
    return true
  }

  /** What this and other servers stored, and deleted. */
  async function refresh(): Promise<void> {
    const rows = await db.selectFrom('event_usage').select(['app_id', 'bytes']).execute()
    used = new Map(rows.map((row) => [row.app_id, row.bytes]))
    total = rows.reduce((sum, row) => sum + row.bytes, 0)
  }

  return { keeps, refresh, counts: () => ({ eventBytes: total, eventsNotKept: notKept }) }
}

function isWithin(bytes: number, limit: number): boolean {
  return limit === 0 || bytes <= limit
}

export function bytesOf({ detail, code, version, device_id }: DeviceEventRow): number {
  return ROW_BYTES + (detail?.length ?? 0) + (code?.length ?? 0) + (version?.length ?? 0) + device_id.length
}
