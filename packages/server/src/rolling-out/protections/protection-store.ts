import type { Connection, Schema } from '../../ground/database/schema.ts'

export type ProtectionRow = Schema['channel_protection']

export interface ChannelPlace {
  app_id: string
  channel: string
}

export function findProtection(db: Connection, { app_id: appId, channel }: ChannelPlace) {
  return db
    .selectFrom('channel_protection')
    .selectAll()
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .executeTakeFirst()
}

export function listProtections(db: Connection, appId: string) {
  return db.selectFrom('channel_protection').selectAll().where('app_id', '=', appId).orderBy('channel').execute()
}

/** Of whichever app: a trust rule may have been for another before. */
export function listProtectionsNaming(db: Connection, tokenId: string) {
  // As it stands in the JSON. Nothing in an id means something in a pattern.
  return db.selectFrom('channel_protection').selectAll().where('tokens', 'like', `%"${tokenId}"%`).execute()
}

export function putProtection(db: Connection, row: ProtectionRow) {
  const { app_id: _app, channel: _channel, ...changed } = row
  return db
    .insertInto('channel_protection')
    .values(row)
    .onConflict((conflict) => conflict.columns(['app_id', 'channel']).doUpdateSet(changed))
    .execute()
}

export function deleteProtection(db: Connection, { app_id: appId, channel }: ChannelPlace) {
  return db.deleteFrom('channel_protection').where('app_id', '=', appId).where('channel', '=', channel).execute()
}
