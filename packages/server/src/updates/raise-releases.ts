import type { Change } from '../ground/database/changes.ts'
import type { Connection } from '../ground/database/schema.ts'

/** Something is known of releases that was not known before: whoever answers by their catalogs compiles them anew. */
export async function raiseReleases(tx: Connection, change: Change, releaseIds: readonly string[]): Promise<void> {
  if (releaseIds.length === 0) return
  const catalogs = await tx
    .selectFrom('rollout')
    .innerJoin('catalog_generation', (join) =>
      join
        .onRef('catalog_generation.app_id', '=', 'rollout.app_id')
        .onRef('catalog_generation.channel', '=', 'rollout.channel')
        // What is for any platform is in the catalogs of all of them.
        .on(({ eb, or, ref }) =>
          or([eb('rollout.platform', '=', 'any'), eb('catalog_generation.platform', '=', ref('rollout.platform'))]),
        ),
    )
    .select(['catalog_generation.app_id', 'catalog_generation.channel', 'catalog_generation.platform'])
    .distinct()
    .where('rollout.release_id', 'in', releaseIds)
    .where('rollout.state', 'in', ['active', 'paused'])
    .execute()
  for (const { app_id: appId, channel, platform } of catalogs) {
    await tx
      .updateTable('catalog_generation')
      .set((set) => ({ generation: set('generation', '+', 1) }))
      .where('app_id', '=', appId)
      .where('channel', '=', channel)
      .where('platform', '=', platform)
      .execute()
    change.raiseCatalogs({ appId, channel, platforms: [platform] })
  }
}
