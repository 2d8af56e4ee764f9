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

/** By app, in the order of the alphabet. */
export async function listBundleIds(db: Connection, appIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows =
    appIds.length === 0
      ? []
      : await db.selectFrom('app_bundle_id').selectAll().where('app_id', 'in', appIds).orderBy('bundle_id').execute()
  const byApp = Map.groupBy(rows, (row) => row.app_id)
  return new Map(appIds.map((id) => [id, (byApp.get(id) ?? []).map((row) => row.bundle_id)]))
}

/** As a whole. */
export async function setBundleIds(db: Connection, appId: string, bundleIds: readonly string[]): Promise<void> {
  await db.deleteFrom('app_bundle_id').where('app_id', '=', appId).execute()
  if (bundleIds.length === 0) return
  const rows = bundleIds.map((bundle_id) => ({ bundle_id, app_id: appId }))
  await db.insertInto('app_bundle_id').values(rows).execute()
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
export function listApps(db: Connection, only: readonly string[] | null, { after, limit }: PageRequest) {
  return db
    .selectFrom('app')
    .selectAll()
    .where('deleted_at', 'is', null)
    .$if(only !== null, (apps) => apps.where('id', 'in', only ?? []))
    .$if(after !== undefined, (apps) => apps.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}
