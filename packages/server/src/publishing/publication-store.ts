import type { Connection, Schema } from '../database/schema.ts'

export function insertPublication(tx: Connection, row: Schema['publication']) {
  return tx.insertInto('publication').values(row).execute()
}

/** What a publish of this release was answered, if it was this very request. */
export function findPublication(db: Connection, releaseId: string, requestDigest: string) {
  return db
    .selectFrom('publication')
    .select('answer')
    .where('release_id', '=', releaseId)
    .where('request_digest', '=', requestDigest)
    .executeTakeFirst()
}
