import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { CatalogKey } from '../catalog-queries.ts'

export type EdgeKeyRow = Schema['edge_key']
export type EdgeKeyDocumentRow = Schema['edge_key_document']
export type EdgePointerRow = Schema['edge_pointer']

/** Oldest first. */
export function listEdgeKeys(db: Connection, appId: string) {
  return db.selectFrom('edge_key').selectAll().where('app_id', '=', appId).orderBy('id').execute()
}

export function insertEdgeKey(db: Connection, key: EdgeKeyRow) {
  return db.insertInto('edge_key').values(key).execute()
}

export function findKeyDocument(db: Connection, appId: string) {
  return db.selectFrom('edge_key_document').selectAll().where('app_id', '=', appId).executeTakeFirst()
}

/** @returns false when another document came in between */
export async function putKeyDocument(db: Connection, row: EdgeKeyDocumentRow): Promise<boolean> {
  const { app_id, version, ...rest } = row
  const updated = await db
    .updateTable('edge_key_document')
    .set({ version, ...rest })
    .where('app_id', '=', app_id)
    .where('version', '=', version - 1)
    .executeTakeFirst()
  if (updated.numUpdatedRows > 0n) return true
  if (version !== 1) return false
  await db.insertInto('edge_key_document').values(row).execute()
  return true
}

/** Every catalog of an app that has an edge, with what its edge says of it. */
export function listEdgePlaces(db: Connection) {
  return db
    .selectFrom('edge_key_document as document')
    .innerJoin('app', 'app.id', 'document.app_id')
    .innerJoin('catalog_generation as catalog', 'catalog.app_id', 'document.app_id')
    .leftJoin('edge_pointer as pointer', (join) =>
      join
        .onRef('pointer.app_id', '=', 'catalog.app_id')
        .onRef('pointer.platform', '=', 'catalog.platform')
        .onRef('pointer.channel', '=', 'catalog.channel'),
    )
    .select([
      'catalog.app_id as appId',
      'catalog.platform as platform',
      'catalog.channel as channel',
      'catalog.generation as generation',
      'document.version as keysVersion',
      'pointer.keys_version as saidKeysVersion',
      'pointer.catalog_generation as saidGeneration',
      'pointer.renew_at as renewAt',
    ])
    .where('app.deleted_at', 'is', null)
    .execute()
}

/** Of an app, how its devices are known. */
export function findIdentifiedApp(db: Connection, appId: string) {
  return db.selectFrom('app').select(['id', 'device_ids as deviceIds']).where('id', '=', appId).executeTakeFirst()
}

export function findPointer(db: Connection, { appId, platform, channel }: CatalogKey) {
  return db
    .selectFrom('edge_pointer')
    .selectAll()
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('channel', '=', channel)
    .executeTakeFirst()
}

export function listPointers(db: Connection, appId: string) {
  return db
    .selectFrom('edge_pointer')
    .selectAll()
    .where('app_id', '=', appId)
    .orderBy('channel')
    .orderBy('platform')
    .execute()
}

/**
 * Of two servers that write at once, one finds that it is late.
 * @param before the generation that it was made after; undefined: there was none
 * @returns false when there is another one by now
 */
export async function putPointer(db: Connection, row: EdgePointerRow, before: number | undefined): Promise<boolean> {
  if (before === undefined) {
    const inserted = await db
      .insertInto('edge_pointer')
      .values(row)
      .onConflict((conflict) => conflict.columns(['app_id', 'platform', 'channel']).doNothing())
      .executeTakeFirst()
    return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n
  }
  const { app_id, platform, channel, ...said } = row
  const updated = await db
    .updateTable('edge_pointer')
    .set(said)
    .where('app_id', '=', app_id)
    .where('platform', '=', platform)
    .where('channel', '=', channel)
    .where('generation', '=', before)
    .executeTakeFirst()
  return updated.numUpdatedRows > 0n
}

export function removePointers(db: Connection, appId: string) {
  return db.deleteFrom('edge_pointer').where('app_id', '=', appId).execute()
}

export function keepEdgeCatalog(db: Connection, row: Schema['edge_catalog']) {
  return db
    .insertInto('edge_catalog')
    .values(row)
    .onConflict((conflict) => conflict.columns(['app_id', 'sha256']).doUpdateSet({ used_at: row.used_at }))
    .execute()
}

export function findEdgeCatalog(db: Connection, appId: string, sha256: string) {
  return db
    .selectFrom('edge_catalog')
    .select('text')
    .where('app_id', '=', appId)
    .where('sha256', '=', sha256)
    .executeTakeFirst()
}

/** Those that no pointer names, and none came to name since. */
export function listOutdatedCatalogs(db: Connection, before: number, limit: number) {
  return db
    .selectFrom('edge_catalog')
    .select(['app_id as appId', 'sha256'])
    .where('used_at', '<', before)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('edge_pointer')
            .select('edge_pointer.channel')
            .whereRef('edge_pointer.app_id', '=', 'edge_catalog.app_id')
            .whereRef('edge_pointer.catalog_sha256', '=', 'edge_catalog.sha256'),
        ),
      ),
    )
    .limit(limit)
    .execute()
}

export function removeEdgeCatalog(db: Connection, appId: string, sha256: string, before: number) {
  return db
    .deleteFrom('edge_catalog')
    .where('app_id', '=', appId)
    .where('sha256', '=', sha256)
    .where('used_at', '<', before)
    .execute()
}
