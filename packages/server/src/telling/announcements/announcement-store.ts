import { sql } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type AnnouncementRow = Schema['announcement']

const LAST_POSITION = 'last-announcement-position'

export function insertAnnouncement(db: Connection, announcement: AnnouncementRow) {
  return db.insertInto('announcement').values(announcement).execute()
}

/** Until the transaction ends, so that positions become visible in their order, without gaps. */
export async function lockLastPosition(tx: Connection): Promise<number> {
  await tx
    .insertInto('server_setting')
    .values({ name: LAST_POSITION, value: '0' })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((set) => ({ value: set.ref('server_setting.value') })),
    )
    .execute()
  return findLastPosition(tx)
}

export async function findLastPosition(db: Connection): Promise<number> {
  const row = await db.selectFrom('server_setting').select('value').where('name', '=', LAST_POSITION).executeTakeFirst()
  return Number(row?.value ?? 0)
}

export function setLastPosition(tx: Connection, position: number) {
  return tx
    .updateTable('server_setting')
    .set({ value: String(position) })
    .where('name', '=', LAST_POSITION)
    .execute()
}

export function listUnplaced(db: Connection, limit: number) {
  return db.selectFrom('announcement').selectAll().where('position', 'is', null).orderBy('id').limit(limit).execute()
}

/** False when it has a place already. */
export async function setPosition(db: Connection, id: string, position: number): Promise<boolean> {
  const result = await db
    .updateTable('announcement')
    .set({ position })
    .where('id', '=', id)
    .where('position', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export function findAnnouncement(db: Connection, id: string) {
  return db.selectFrom('announcement').selectAll().where('id', '=', id).executeTakeFirst()
}

/** In the order of being told. */
export function listAfterPosition(db: Connection, position: number, limit: number) {
  return db
    .selectFrom('announcement')
    .selectAll()
    .where('position', '>', position)
    .orderBy('position')
    .limit(limit)
    .execute()
}

/** Newest first. */
export function listAnnouncements(db: Connection, apps: readonly string[] | null, { after, limit }: PageRequest) {
  return db
    .selectFrom('announcement')
    .selectAll()
    .$if(apps !== null, (announcements) => announcements.where('app_id', 'in', apps ?? []))
    .$if(after !== undefined, (announcements) => announcements.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** At most so many. Returns how many there were. */
export async function deleteAnnouncementsBefore(db: Connection, at: number, limit: number): Promise<number> {
  const result = await db
    .deleteFrom('announcement')
    .where(
      'id',
      'in',
      db
        .selectFrom('announcement')
        .select('id')
        .where('position', 'is not', null)
        .where('at', '<', at)
        .orderBy('position')
        .limit(sql.lit(limit)),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
