import { setImmediate } from 'node:timers/promises'
import type { Announcement, AnnouncementType, Page } from '@hotpatch/api'
import { type Clock, DAY_MS, timestamp } from '../../ground/clock.ts'
import type { Change } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import {
  deleteAnnouncementsBefore,
  findAnnouncement,
  findLastPosition,
  insertAnnouncement,
  listAfterPosition,
  listAnnouncements,
  listUnplaced,
  lockLastPosition,
  setLastPosition,
  setPosition,
  type AnnouncementRow,
} from './announcement-store.ts'

export type { Announcement, AnnouncementType }

export interface NewAnnouncement {
  type: AnnouncementType
  appId: string
  data: Readonly<Record<string, unknown>>
}

/** One that has its place in the order of being told. */
export interface PlacedAnnouncement {
  position: number
  announcement: Announcement
}

const RETENTION_MS = 30 * DAY_MS
const PLACED_AT_ONCE = 100
/** Others get their turn in between. */
const DELETED_AT_ONCE = 200

export type AnnouncementService = ReturnType<typeof createAnnouncementService>

/** Tells what happened to those who listen, once it is committed and never without it. */
export function createAnnouncementService({ db, clock, newId }: { db: Database; clock: Clock; newId: () => string }) {
  const listeners = new Set<() => void>()

  /** In the transaction of the change itself. */
  async function record(tx: Connection, change: Change, { type, appId, data }: NewAnnouncement): Promise<Announcement> {
    const told = withoutDevices(data)
    const row = { id: newId(), app_id: appId, type, at: clock.now(), data: JSON.stringify(told), position: null }
    await insertAnnouncement(tx, row)
    change.announce()
    return render(row)
  }

  /** After a commit: whoever sends announcements looks for new ones. */
  function wake(): void {
    for (const listener of listeners) listener()
  }

  /** Returns the function that ends it. */
  function onRecorded(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /**
   * Gives what is new its place in the order of being told: the same one on every server. What was committed later is
   * told later: a reader who is at a position has missed nothing before it.
   * @param receive works in the same transaction, and gets each announcement once, whichever server it is on
   * @returns how many there were
   */
  async function placeNew(
    receive: (tx: Connection, placed: readonly Announcement[]) => Promise<void>,
  ): Promise<number> {
    // Most of the time there is nothing, and nothing to lock for.
    if ((await listUnplaced(db, 1)).length === 0) return 0
    return db.transaction().execute(async (tx) => {
      let position = await lockLastPosition(tx)
      const placed: Announcement[] = []
      for (const row of await listUnplaced(tx, PLACED_AT_ONCE)) {
        if (!(await setPosition(tx, row.id, position + 1))) continue
        position++
        placed.push(render(row))
      }
      await setLastPosition(tx, position)
      await receive(tx, placed)
      return placed.length
    })
  }

  async function listAfter(position: number, limit: number): Promise<PlacedAnnouncement[]> {
    const rows = await listAfterPosition(db, position, limit)
    return rows.map((row) => ({ position: row.position ?? 0, announcement: render(row) }))
  }

  /** Undefined for one that is unknown, was swept, or is not told yet. */
  async function findPosition(id: string): Promise<number | undefined> {
    return (await findAnnouncement(db, id))?.position ?? undefined
  }

  /** @param ofApps only what concerns these, unless it is null */
  async function list(ofApps: readonly string[] | null, page: PageRequest): Promise<Page<Announcement>> {
    return pageFromRows(await listAnnouncements(db, ofApps, page), page, render)
  }

  async function sweep(): Promise<void> {
    const before = clock.now() - RETENTION_MS
    while ((await deleteAnnouncementsBefore(db, before, DELETED_AT_ONCE)) === DELETED_AT_ONCE) await setImmediate()
  }

  return {
    record,
    wake,
    onRecorded,
    placeNew,
    lastPosition: () => findLastPosition(db),
    listAfter,
    findPosition,
    list,
    sweep,
  }
}

function render(row: AnnouncementRow): Announcement {
  return {
    id: row.id,
    type: row.type as AnnouncementType,
    appId: row.app_id,
    at: timestamp(row.at),
    data: JSON.parse(row.data) as Record<string, unknown>,
  }
}

/** Announcements leave the server: who is forced into a rollout is nobody's business there, and may be megabytes. */
function withoutDevices(data: NewAnnouncement['data']): NewAnnouncement['data'] {
  if (typeof data.rollout !== 'object' || data.rollout === null || !('devices' in data.rollout)) return data
  const { devices: _, ...rollout } = data.rollout
  return { ...data, rollout }
}
