import type { Insertable } from 'kysely'
import type { Connection, Schema } from '../database/schema.ts'

/** The same bytes may be uploaded again. */
export async function insertArtifact(db: Connection, row: Insertable<Schema['artifact']>): Promise<void> {
  await db
    .insertInto('artifact')
    .values(row)
    .onConflict((conflict) => conflict.column('sha256').doNothing())
    .execute()
}

export function findArtifact(db: Connection, sha256: string) {
  return db.selectFrom('artifact').selectAll().where('sha256', '=', sha256).executeTakeFirst()
}

/** Those of the keys that have a row. */
export async function listArtifactKeys(db: Connection, keys: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom('artifact').select('sha256').where('sha256', 'in', keys).execute()
  return rows.map(({ sha256 }) => sha256)
}
