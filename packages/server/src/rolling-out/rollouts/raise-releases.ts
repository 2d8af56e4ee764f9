import type { CatalogPlaces, Change } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'
import type { Platform } from '@hotpatch/protocol'
import { listCatalogsOf, listCatalogsOfPlatform, raiseGenerations } from './catalog-generation-store.ts'

/** Something is known of releases that was not known before: whoever answers by their catalogs compiles them anew. */
export async function raiseReleases(tx: Connection, change: Change, releaseIds: readonly string[]): Promise<void> {
  if (releaseIds.length > 0) await raise(tx, change, await listCatalogsOf(tx, releaseIds))
}

/** As `raiseReleases`, where it may be any of a platform, or what its binaries shipped with. */
export async function raisePlatform(
  tx: Connection,
  change: Change,
  { appId, platform }: { appId: string; platform: Platform },
): Promise<void> {
  await raise(tx, change, await listCatalogsOfPlatform(tx, appId, platform))
}

async function raise(tx: Connection, change: Change, catalogs: readonly CatalogPlaces[]): Promise<void> {
  for (const places of catalogs) {
    await raiseGenerations(tx, places)
    change.raiseCatalogs(places)
  }
}
