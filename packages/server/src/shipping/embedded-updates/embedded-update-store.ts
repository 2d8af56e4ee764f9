import type { Connection, Schema } from '../../ground/database/schema.ts'

export type EmbeddedUpdateRow = Schema['embedded_update']

export interface EmbeddedUpdateName {
  platform: EmbeddedUpdateRow['platform']
  id: string
}

/** False when it is there already. */
export async function insertEmbeddedUpdate(tx: Connection, row: EmbeddedUpdateRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('embedded_update')
    .values(row)
    .onConflict((conflict) => conflict.columns(['app_id', 'platform', 'update_id']).doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
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
    .orderBy(({ fn }) => fn.coalesce('built_at', 'created_at'), 'desc')
    .orderBy('update_id')
    .limit(limit)
    .execute()
}

export async function setNativeVersions(tx: Connection, row: EmbeddedUpdateRow): Promise<void> {
  await tx
    .updateTable('embedded_update')
    .set({ native_versions: row.native_versions })
    .where('app_id', '=', row.app_id)
    .where('platform', '=', row.platform)
    .where('update_id', '=', row.update_id)
    .execute()
}

/** Of what nobody knows of any more: unless another platform's binaries shipped with it. */
export async function deleteWaitingPatches(tx: Connection, appId: string, id: string): Promise<void> {
  await tx
    .deleteFrom('patch')
    .where('app_id', '=', appId)
    .where('base_embedded_id', '=', id)
    .where('state', '=', 'waiting')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('embedded_update')
            .select('update_id')
            .whereRef('embedded_update.app_id', '=', 'patch.app_id')
            .whereRef('update_id', '=', 'base_embedded_id'),
        ),
      ),
    )
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
