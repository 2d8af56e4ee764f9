import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type AppRow = Selectable<Schema['app']>

export function insertApp(db: Connection, app: Insertable<Schema['app']>) {
  return db.insertInto('app').values(app).execute()
}

export function updateApp(db: Connection, id: string, changes: Updateable<Schema['app']>) {
  return db.updateTable('app').set(changes).where('id', '=', id).execute()
}

/** Until the transaction ends nobody else changes the app or publishes for it. */
export function lockApp(tx: Connection, id: string) {
  return tx
    .updateTable('app')
    .set((set) => ({ signing: set.ref('signing') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function findApp(db: Connection, idOrSlug: string) {
  return db
    .selectFrom('app')
    .selectAll()
    .where('deleted_at', 'is', null)
    .where((where) => where.or([where('id', '=', idOrSlug), where('slug', '=', idOrSlug)]))
    .executeTakeFirst()
}

/** @param onlyId the one app that the caller's token is for, or null */
export function listApps(db: Connection, onlyId: string | null, { after, limit }: PageRequest) {
  return db
    .selectFrom('app')
    .selectAll()
    .where('deleted_at', 'is', null)
    .$if(onlyId !== null, (apps) => apps.where('id', '=', onlyId))
    .$if(after !== undefined, (apps) => apps.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}
