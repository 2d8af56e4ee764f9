import type { Connection, Schema } from '../../ground/database/schema.ts'

/** What a publisher signed, verified, under a sequence that nothing else has. It never changes. */
export type StatementRow = Schema['statement']

export function insertStatement(db: Connection, statement: StatementRow) {
  return db.insertInto('statement').values(statement).execute()
}
