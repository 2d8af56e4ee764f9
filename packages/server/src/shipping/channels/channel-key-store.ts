import type { Platform } from '@hotpatch/protocol'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type ChannelKeyRow = Schema['channel_key']

export function insertChannelKey(db: Connection, row: ChannelKeyRow) {
  return db.insertInto('channel_key').values(row).execute()
}

export function listChannelKeys(db: Connection, appId: string) {
  return db.selectFrom('channel_key').selectAll().where('app_id', '=', appId).orderBy('id').execute()
}

/** Whether a key that is not revoked names the channel for just this platform. */
export async function hasPlatformKey(
  db: Connection,
  appId: string,
  channel: string,
  platform: Platform,
): Promise<boolean> {
  const found = await db
    .selectFrom('channel_key')
    .select('id')
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .where('platform', '=', platform)
    .where('revoked_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

export function revokeChannelKey(db: Connection, id: string, now: number) {
  return db.updateTable('channel_key').set({ revoked_at: now }).where('id', '=', id).execute()
}

/** Of a channel that is no more. */
export function revokeChannelKeysOf(db: Connection, appId: string, channel: string, now: number) {
  return db
    .updateTable('channel_key')
    .set({ revoked_at: now })
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .where('revoked_at', 'is', null)
    .execute()
}
