import type { Change } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { listCatalogsOf, raiseGenerations } from './catalog-generation-store.ts'

/** Something is known of releases that was not known before: whoever answers by their catalogs compiles them anew. */
export async function raiseReleases(tx: Connection, change: Change, releaseIds: readonly string[]): Promise<void> {
  if (releaseIds.length === 0) return
  for (const places of await listCatalogsOf(tx, releaseIds)) {
    await raiseGenerations(tx, places)
    change.raiseCatalogs(places)
  }
}
