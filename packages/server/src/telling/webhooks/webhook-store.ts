import type { Updateable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type WebhookRow = Schema['webhook']

export function insertWebhook(db: Connection, webhook: WebhookRow) {
  return db.insertInto('webhook').values(webhook).execute()
}

export function findWebhook(db: Connection, id: string) {
  return db.selectFrom('webhook').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Until the transaction ends, so that what is read of it is what is changed. */
export function lockWebhook(tx: Connection, id: string) {
  return tx
    .updateTable('webhook')
    .set((set) => ({ is_enabled: set.ref('is_enabled') }))
    .where('id', '=', id)
    .execute()
}

export function updateWebhook(db: Connection, id: string, changes: Updateable<Schema['webhook']>) {
  return db.updateTable('webhook').set(changes).where('id', '=', id).execute()
}

/** Its deliveries go with it. */
export function deleteWebhook(db: Connection, id: string) {
  return db.deleteFrom('webhook').where('id', '=', id).execute()
}

export async function countWebhooks(db: Connection, appId: string | null): Promise<number> {
  const { count } = await db
    .selectFrom('webhook')
    .select((query) => query.fn.countAll<number>().as('count'))
    .where('app_id', appId === null ? 'is' : '=', appId)
    .executeTakeFirstOrThrow()
  return count
}

/** @param ofApps only those of these, unless it is null */
export function listWebhooks(db: Connection, ofApps: readonly string[] | null, { after, limit }: PageRequest) {
  return db
    .selectFrom('webhook')
    .selectAll()
    .$if(ofApps !== null, (webhooks) => webhooks.where('app_id', 'in', ofApps ?? []))
    .$if(after !== undefined, (webhooks) => webhooks.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** Those that are told of these apps. */
export function listWebhooksFor(db: Connection, appIds: readonly string[]) {
  return db
    .selectFrom('webhook')
    .selectAll()
    .where('is_enabled', '=', 1)
    .where((where) => where.or([where('app_id', 'is', null), where('app_id', 'in', appIds)]))
    .execute()
}
