import { timestamp, type Clock } from '../clock.ts'
import type { Connection } from '../database/schema.ts'
import { insertAnnouncement } from './announcement-store.ts'

/** What webhooks and the live stream can tell. */
export const ANNOUNCEMENT_TYPES = [
  'release.published',
  'rollout.started',
  'rollout.changed',
  'rollout.advanced',
  'rollout.paused',
  'rollout.resumed',
  'rollout.halted',
  'rollout.withdrawn',
  'rollout.finished',
  'guard.tripped',
  'rollback',
] as const
export type AnnouncementType = (typeof ANNOUNCEMENT_TYPES)[number]

export interface Announcement {
  id: string
  type: AnnouncementType
  appId: string | null
  /** ISO 8601. */
  at: string
  data: Readonly<Record<string, unknown>>
}

export interface NewAnnouncement {
  type: AnnouncementType
  appId: string
  data: Readonly<Record<string, unknown>>
}

export type AnnouncementService = ReturnType<typeof createAnnouncementService>

/** Tells what happened to those who listen, once it is committed and never without it. */
export function createAnnouncementService({ clock, newId }: { clock: Clock; newId: () => string }) {
  const listeners = new Set<() => void>()

  /** In the transaction of the change itself; `wake` is to follow the commit. */
  async function record(tx: Connection, { type, appId, data }: NewAnnouncement): Promise<Announcement> {
    const at = clock.now()
    const id = newId()
    await insertAnnouncement(tx, { id, app_id: appId, type, at, data: JSON.stringify(data), is_dispatched: 0 })
    return { id, type, appId, at: timestamp(at), data }
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

  return { record, wake, onRecorded }
}
