import type { Connection, Schema } from '../../ground/database/schema.ts'

export type SignatureRow = Schema['signature']

export function insertSignature(db: Connection, signature: SignatureRow) {
  return db.insertInto('signature').values(signature).execute()
}
