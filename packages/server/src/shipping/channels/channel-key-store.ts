import type { Connection, Schema } from '../../ground/database/schema.ts'

export type ChannelKeyRow = Schema['channel_key']

export function insertChannelKey(db: Connection, row: ChannelKeyRow) {
  return db.insertInto('channel_key').values(row).execute()
}

export function listChannelKeys(db: Connection, appId: string) {
  return db.selectFrom('channel_key').selectAll().where('app_id', '=', appId).orderBy('id').execute()
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
