import type { Connection, Schema } from '../../ground/database/schema.ts'

export type SettingsRow = Schema['single_sign_on']

export function findSettings(db: Connection): Promise<SettingsRow | undefined> {
  return db.selectFrom('single_sign_on').selectAll().executeTakeFirst()
}

export async function replaceSettings(tx: Connection, row: SettingsRow): Promise<void> {
  const { id: _, ...values } = row
  await tx
    .insertInto('single_sign_on')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

export function deleteSettings(tx: Connection) {
  return tx.deleteFrom('single_sign_on').execute()
}
