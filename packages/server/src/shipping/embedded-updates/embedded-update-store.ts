import type { Connection, Schema } from '../../ground/database/schema.ts'

export type EmbeddedUpdateRow = Schema['embedded_update']

export interface EmbeddedUpdateName {
  platform: EmbeddedUpdateRow['platform']
  id: string
}

export async function insertEmbeddedUpdate(tx: Connection, row: EmbeddedUpdateRow): Promise<void> {
  await tx.insertInto('embedded_update').values(row).execute()
}

export function findEmbeddedUpdate(
  db: Connection,
  appId: string,
  { platform, id }: EmbeddedUpdateName,
): Promise<EmbeddedUpdateRow | undefined> {
  return db
    .selectFrom('embedded_update')
    .selectAll()
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('update_id', '=', id)
    .executeTakeFirst()
}

/** Those that were built last first. */
export function listEmbeddedUpdates(db: Connection, appId: string, limit: number): Promise<EmbeddedUpdateRow[]> {
  return db
    .selectFrom('embedded_update')
    .selectAll()
    .where('app_id', '=', appId)
    .orderBy('built_at', 'desc')
    .orderBy('update_id')
    .limit(limit)
    .execute()
}

export async function deleteEmbeddedUpdate(
  tx: Connection,
  appId: string,
  { platform, id }: EmbeddedUpdateName,
): Promise<void> {
  await tx
    .deleteFrom('embedded_update')
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('update_id', '=', id)
    .execute()
}
