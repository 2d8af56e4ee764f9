import type { Connection } from '../../ground/database/schema.ts'

const NAME = 'device-id-secret'

export async function findSecretFingerprint(db: Connection): Promise<string | undefined> {
  const row = await db.selectFrom('server_setting').select('value').where('name', '=', NAME).executeTakeFirst()
  return row?.value
}

/** Unless there is one. */
export async function keepSecretFingerprint(db: Connection, value: string): Promise<void> {
  await db
    .insertInto('server_setting')
    .values({ name: NAME, value })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
