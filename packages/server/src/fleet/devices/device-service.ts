import { setImmediate } from 'node:timers/promises'
import type { Device, DeviceFilter, DeviceWithEvents, Page, PageQuery, TimelinePage } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import { readTimestamp } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Database } from '../../ground/database/schema.ts'
import { looksLikeStoredId, type DeviceIdentity, type IdentifiedApp } from './device-identity.ts'
import { isDeviceId } from '../recording/device-report.ts'
import * as store from './device-store.ts'
import { listTimeline, type TimelinePosition } from './device-timeline-store.ts'
import type { FleetService } from '../recording/fleet-service.ts'
import { countUnkept } from '../recording/unkept-events.ts'
import { deleteDevices, deleteSomeEvents, lockDevices } from './forget-devices.ts'
import { positionOfCheck, renderCheck, renderDevice, renderEvent, renderTimelineRow } from './render-device.ts'

const DEFAULT_PAGE_LIMIT = 50
const MAX_EVENTS = 100
/** Rows that one statement deletes: others get their turn in between. */
const DELETED_AT_ONCE = 1_000

export type DeviceService = ReturnType<typeof createDeviceService>

/** What people see of devices. An id is the one that the device tells, or the one that the server shows. */
export function createDeviceService({
  db,
  reads = db,
  lists = reads,
  fleet,
  identity,
  audit,
  changes,
}: {
  db: Database
  /** For what may take long; `db` when it blocks nobody. */
  reads?: Database
  /** For pages of many, which may be a moment old. */
  lists?: Database
  fleet: Pick<FleetService, 'settle' | 'forget'>
  identity: DeviceIdentity
  audit: AuditService
  changes: Changes
}) {
  /** Last seen first; those that `search` finds by the beginning of their id in the order of their ids. */
  async function list(app: IdentifiedApp, filter: DeviceFilter, page: PageQuery): Promise<Page<Device>> {
    const after = page.cursor === undefined ? undefined : readDeviceCursor(page.cursor)
    const limit = page.limit ?? DEFAULT_PAGE_LIMIT
    const query = readFilter(app, filter)
    await fleet.settle()
    const { rows, next } = await store.listDevices(lists, app.id, query, { after, limit })
    const nextCursor = next ? encodeCursor(next.lastSeenAt, next.deviceId) : null
    return { items: await withFailures(app, rows, lists), nextCursor }
  }

  function readFilter(app: IdentifiedApp, filter: DeviceFilter): store.DeviceQuery {
    const { search, seenSince, seenBefore, ...others } = filter
    const isBeginning = app.deviceIds === 'as-given' || (search !== undefined && looksLikeStoredId(search))
    const id = search !== undefined && isBeginning ? { beginsWith: search } : search
    return {
      ...others,
      id: typeof id === 'string' ? { is: identity.resolve(app, id) } : id,
      seenSince: seenSince === undefined ? undefined : readTimestamp(seenSince, 'seenSince'),
      seenBefore: seenBefore === undefined ? undefined : readTimestamp(seenBefore, 'seenBefore'),
    }
  }

  async function findRow(app: IdentifiedApp, givenId: string): Promise<store.DeviceRow | undefined> {
    await fleet.settle()
    return store.findDevice(reads, app.id, identity.resolve(app, givenId))
  }

  async function getRow(app: IdentifiedApp, givenId: string): Promise<store.DeviceRow> {
    const row = await findRow(app, givenId)
    if (row) return row
    throw problem('device-not-found', `No device "${givenId}" has shown itself.`, { deviceId: givenId })
  }

  async function find(app: IdentifiedApp, givenId: string): Promise<DeviceWithEvents | undefined> {
    const row = await findRow(app, givenId)
    return row && withEvents(app, row)
  }

  /** @throws problem device-not-found */
  async function get(app: IdentifiedApp, givenId: string): Promise<DeviceWithEvents> {
    return withEvents(app, await getRow(app, givenId))
  }

  async function withEvents(app: IdentifiedApp, row: store.DeviceRow): Promise<DeviceWithEvents> {
    const [device] = await withFailures(app, [row], reads)
    const events = await listTimeline(reads, app.id, row.device_id, { after: undefined, limit: MAX_EVENTS })
    const from = events.length < MAX_EVENTS ? undefined : events.at(-1)?.received_at
    const eventsNotKept = await countUnkeptOf(app, row, { from })
    return { ...(device ?? renderDevice(row, [])), events: events.map(renderEvent), eventsNotKept }
  }

  /** Of the app: which of its devices they were of is what was not kept. None is older than the device. */
  function countUnkeptOf(
    app: IdentifiedApp,
    { first_seen_at }: store.DeviceRow,
    { from = first_seen_at, to = Number.MAX_SAFE_INTEGER }: { from?: number | undefined; to?: number | undefined },
  ): Promise<number> {
    return countUnkept(reads, app.id, { from, to })
  }

  async function withFailures(app: IdentifiedApp, rows: readonly store.DeviceRow[], from: Database): Promise<Device[]> {
    if (rows.length === 0) return []
    const ids = rows.map((row) => row.device_id)
    const failed = Map.groupBy(await store.listFailuresOfDevices(from, app.id, ids), (failure) => failure.device_id)
    return rows.map((row) => renderDevice(row, failed.get(row.device_id)?.map((failure) => failure.release_id) ?? []))
  }

  /** Newest first. The last check stands among what happened; earlier ones are counted, not kept. */
  async function timeline(app: IdentifiedApp, givenId: string, page: PageQuery): Promise<TimelinePage> {
    const after = page.cursor === undefined ? undefined : readTimelineCursor(page.cursor)
    const limit = page.limit ?? DEFAULT_PAGE_LIMIT
    const device = await getRow(app, givenId)
    const rows = await listTimeline(reads, app.id, device.device_id, { after, limit: limit + 1 })
    const entries = rows.map((row) => ({ at: timelinePositionOf(row), entry: renderTimelineRow(row) }))
    const check = positionOfCheck(device)
    if (check && (!after || isBehind(check, after))) {
      const place = entries.findIndex(({ at }) => isBehind(at, check))
      entries.splice(place === -1 ? entries.length : place, 0, { at: check, entry: renderCheck(device) })
    }
    const shown = entries.slice(0, limit)
    const last = shown.at(-1)
    const isMore = entries.length > limit && last !== undefined
    return {
      items: shown.map(({ entry }) => entry),
      nextCursor: isMore ? encodeCursor(last.at.receivedAt, last.at.occurredAt, last.at.id) : null,
      eventsNotKept: await countUnkeptOf(app, device, {
        from: isMore ? last.at.receivedAt : undefined,
        to: after?.receivedAt,
      }),
    }
  }

  /**
   * Deletes a device and all that it told; what was counted stays. If it checks again it is a new one. Other servers
   * on the database may still write what they were told in the last second, and may hold back what failed on it from
   * the new one, too, until they start anew.
   * @throws problem device-not-found
   */
  async function forget(app: IdentifiedApp, givenId: string, author: Author): Promise<void> {
    const { device_id } = await getRow(app, givenId)
    while ((await deleteSomeEvents(db, app.id, [device_id], DELETED_AT_ONCE)) === DELETED_AT_ONCE) await setImmediate()
    await fleet.forget(app.id, device_id, () => remove(app, device_id, author))
  }

  function remove(app: IdentifiedApp, deviceId: string, author: Author): Promise<void> {
    return changes.run(async (tx, change) => {
      await lockDevices(tx, app.id, [deviceId])
      if (await deleteDevices(tx, app.id, [deviceId])) change.raiseCohorts()
      // The log outlives the device: it must not keep the id, but who knows it can find the entry.
      const subject = identity.hashedId(app, deviceId)
      await audit.record(tx, author, { action: 'device.forgotten', subject: ['device', subject], appId: app.id })
    })
  }

  return { storedId: identity.resolve, list, find, get, timeline, forget }
}

function encodeCursor(...parts: readonly (number | string)[]): string {
  return Buffer.from(parts.join(':')).toString('base64url')
}

function readDeviceCursor(cursor: string): store.DevicePosition {
  const [, lastSeenAt, deviceId] = /^(\d{1,15}):(.+)$/s.exec(decodeCursor(cursor)) ?? []
  if (lastSeenAt === undefined || deviceId === undefined || !isDeviceId(deviceId)) throw notACursor()
  return { lastSeenAt: Number(lastSeenAt), deviceId }
}

function readTimelineCursor(cursor: string): TimelinePosition {
  const [, receivedAt, occurredAt, id] = /^(\d{1,15}):(\d{1,16}):([\w-]{0,64})$/.exec(decodeCursor(cursor)) ?? []
  if (receivedAt === undefined || occurredAt === undefined || id === undefined) throw notACursor()
  return { receivedAt: Number(receivedAt), occurredAt: Number(occurredAt), id }
}

function decodeCursor(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString()
}

function notACursor() {
  return problem('invalid-request', 'cursor: expected the nextCursor of an earlier page.')
}

function timelinePositionOf(row: { received_at: number; occurred_at: number; id: string }): TimelinePosition {
  return { receivedAt: row.received_at, occurredAt: row.occurred_at, id: row.id }
}

/** Of events of the same moments, the database's order stands. */
function isBehind(a: TimelinePosition, b: TimelinePosition): boolean {
  return a.receivedAt < b.receivedAt || (a.receivedAt === b.receivedAt && a.occurredAt < b.occurredAt)
}
