import type { Connection, Schema } from '../../ground/database/schema.ts'

export type ChannelRow = Schema['channel']

export function insertChannel(db: Connection, channel: ChannelRow) {
  return db.insertInto('channel').values(channel).execute()
}

export function findChannel(db: Connection, appId: string, name: string) {
  return db.selectFrom('channel').selectAll().where('app_id', '=', appId).where('name', '=', name).executeTakeFirst()
}

export function listChannels(db: Connection, appId: string) {
  return db.selectFrom('channel').selectAll().where('app_id', '=', appId).orderBy('id').execute()
}

export function setDeviceChoice(db: Connection, id: string, choice: ChannelRow['device_choice']) {
  return db.updateTable('channel').set({ device_choice: choice }).where('id', '=', id).execute()
}

export function deleteChannel(db: Connection, id: string) {
  return db.deleteFrom('channel').where('id', '=', id).execute()
}

/** Undefined when there is no such channel. */
export function raiseLastPosition(db: Connection, appId: string, name: string) {
  return db
    .updateTable('channel')
    .set((set) => ({ last_position: set('last_position', '+', 1) }))
    .where('app_id', '=', appId)
    .where('name', '=', name)
    .returning('last_position')
    .executeTakeFirst()
}
