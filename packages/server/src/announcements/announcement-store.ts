import type { Connection, Schema } from '../database/schema.ts'

export type AnnouncementRow = Schema['announcement']

export function insertAnnouncement(db: Connection, announcement: AnnouncementRow) {
  return db.insertInto('announcement').values(announcement).execute()
}
