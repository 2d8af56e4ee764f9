import type { Connection, Schema } from '../../ground/database/schema.ts'

export type SignatureRow = Schema['signature']

/** Not more than a request may bring: each takes five of a statement's parameters. */
export function insertSignatures(db: Connection, signatures: readonly SignatureRow[]) {
  return db.insertInto('signature').values(signatures).execute()
}

/** Of one release and scheme. */
export function deleteSignatures(
  db: Connection,
  { release_id, scheme }: Pick<SignatureRow, 'release_id' | 'scheme'>,
  subjects: readonly string[],
) {
  return db
    .deleteFrom('signature')
    .where('release_id', '=', release_id)
    .where('scheme', '=', scheme)
    .where('subject', 'in', subjects)
    .execute()
}
