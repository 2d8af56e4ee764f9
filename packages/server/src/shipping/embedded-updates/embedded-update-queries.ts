import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { findEmbeddedUpdate, type EmbeddedUpdateName, type EmbeddedUpdateRow } from './embedded-update-store.ts'

/** Undefined of a binary that nobody has let the server know of. */
export async function findBuiltAt(
  db: Connection,
  appId: string,
  name: EmbeddedUpdateName,
): Promise<number | undefined> {
  return (await findEmbeddedUpdate(db, appId, name))?.built_at ?? undefined
}

/** The bundles of binaries that may be of this runtime version, those that were built last first: so many. */
export async function listEmbeddedBundles(
  db: Connection,
  {
    appId,
    platform,
    kind,
    runtimeVersion,
  }: { appId: string; platform: Platform; kind: EmbeddedUpdateRow['kind']; runtimeVersion: string | undefined },
  limit: number,
): Promise<{ embeddedId: string; sha256: string }[]> {
  let updates = db
    .selectFrom('embedded_update')
    .select(['update_id as embeddedId', 'sha256'])
    .where('app_id', '=', appId)
    .where('kind', '=', kind)
    .orderBy(({ fn }) => fn.coalesce('built_at', 'created_at'), 'desc')
    .orderBy('update_id')
    .limit(limit)
  if (platform !== 'any') updates = updates.where('platform', '=', platform)
  if (runtimeVersion !== undefined) {
    updates = updates.where(({ or, eb }) =>
      or([eb('runtime_version', 'is', null), eb('runtime_version', '=', runtimeVersion)]),
    )
  }
  return updates.execute()
}
