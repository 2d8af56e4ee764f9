import { sql, type SqlBool } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type DeviceRow = Schema['device']
export type DeviceEventRow = Schema['device_event']
export type DeviceFailureRow = Schema['device_failure']

/** Stands for what a report did not tell, in columns that are never null. */
export const UNTOLD = { platform: 'any', channel: '' } as const

const PAGE_ROWS = 5_000

/** Every device of every app, in small pages: others read in between. */
export async function* eachDevice(db: Connection, isStopped: () => boolean) {
  let after = { app_id: '', device_id: '' }
  while (!isStopped()) {
    const page = await db
      .selectFrom('device')
      .select(['app_id', 'device_id', 'first_seen_at'])
      .where(sql<SqlBool>`(app_id, device_id) > (${after.app_id}, ${after.device_id})`)
      .orderBy('app_id')
      .orderBy('device_id')
      .limit(PAGE_ROWS)
      .execute()
    yield* page
    const last = page.at(-1)
    if (!last || page.length < PAGE_ROWS) return
    after = last
  }
}

/** Newest first. */
export function listFailuresSince(db: Connection, since: number, limit: number) {
  return db
    .selectFrom('device_failure')
    .selectAll()
    .where('failed_at', '>=', since)
    .orderBy('failed_at', 'desc')
    .limit(limit)
    .execute()
}

/**
 * For the first who asks for it: nobody can ask in the name of a device that has a credential.
 * @returns whether there was none before
 */
export async function claimCredential(db: Connection, appId: string, deviceId: string, at: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('device')
    .set({ credential_at: at })
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .where('credential_at', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}
