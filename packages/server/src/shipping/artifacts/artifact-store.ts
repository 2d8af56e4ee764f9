import type { Insertable } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type ArtifactRow = Schema['artifact']

/** The same bytes may be uploaded again. What a release has stays, whatever `kept_until` this row names. */
export async function insertArtifact(db: Connection, row: Insertable<ArtifactRow>): Promise<void> {
  await db
    .insertInto('artifact')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('sha256')
        .doUpdateSet({ kept_until: row.kept_until, facts: row.facts })
        .where('artifact.kept_until', 'is not', null),
    )
    .execute()
}

export function findArtifact(db: Connection, sha256: string): Promise<ArtifactRow | undefined> {
  return db.selectFrom('artifact').selectAll().where('sha256', '=', sha256).executeTakeFirst()
}

/** From here on a release has it. False when it is not there any more. */
export async function keepArtifactForGood(tx: Connection, sha256: string): Promise<boolean> {
  const result = await tx
    .updateTable('artifact')
    .set({ kept_until: null })
    .where('sha256', '=', sha256)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Those that waited for a release until then. */
export async function deleteExpiredArtifacts(db: Connection, now: number): Promise<void> {
  await db.deleteFrom('artifact').where('kept_until', '<=', now).execute()
}

/** Those of the keys that have a row. */
export async function listArtifactKeys(db: Connection, keys: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom('artifact').select('sha256').where('sha256', 'in', keys).execute()
  return rows.map(({ sha256 }) => sha256)
}
