import type { Connection, Schema } from '../../ground/database/schema.ts'

export function insertPublication(tx: Connection, row: Schema['publication']) {
  return tx.insertInto('publication').values(row).execute()
}

export function findPublication(db: Connection, releaseId: string, channel: string) {
  return db
    .selectFrom('publication')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('channel', '=', channel)
    .executeTakeFirst()
}
