import type { Connection, Schema } from '../../ground/database/schema.ts'

export type InstallPageRow = Schema['install_page']

export function findInstallPage(db: Connection, appId: string, channel: string): Promise<InstallPageRow | undefined> {
  return db
    .selectFrom('install_page')
    .selectAll()
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .executeTakeFirst()
}

export function listInstallPages(db: Connection, appId: string): Promise<InstallPageRow[]> {
  return db.selectFrom('install_page').selectAll().where('app_id', '=', appId).orderBy('channel').execute()
}

export async function putInstallPage(db: Connection, row: InstallPageRow): Promise<void> {
  const { id: _, app_id: __, channel: ___, ...changed } = row
  await db
    .insertInto('install_page')
    .values(row)
    .onConflict((conflict) => conflict.columns(['app_id', 'channel']).doUpdateSet(changed))
    .execute()
}

export function deleteInstallPage(db: Connection, id: string) {
  return db.deleteFrom('install_page').where('id', '=', id).execute()
}
