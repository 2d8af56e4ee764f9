import type { Connection, Schema } from '../../ground/database/schema.ts'

export type SignatureRow = Schema['signature']

export function insertSignature(db: Connection, signature: SignatureRow) {
  return db.insertInto('signature').values(signature).execute()
}

export function deleteSignature(
  db: Connection,
  { release_id, subject, scheme }: Omit<SignatureRow, 'key_id' | 'value'>,
) {
  return db
    .deleteFrom('signature')
    .where('release_id', '=', release_id)
    .where('subject', '=', subject)
    .where('scheme', '=', scheme)
    .execute()
}
