import type { Connection, Schema } from '../../ground/database/schema.ts'

export type SigningKeyRow = Schema['signing_key']

export function insertSigningKey(db: Connection, key: SigningKeyRow) {
  return db.insertInto('signing_key').values(key).execute()
}

export function listSigningKeys(db: Connection, appId: string) {
  return db.selectFrom('signing_key').selectAll().where('app_id', '=', appId).orderBy('id').execute()
}

export function revokeSigningKey(db: Connection, id: string, now: number) {
  return db.updateTable('signing_key').set({ revoked_at: now }).where('id', '=', id).execute()
}
