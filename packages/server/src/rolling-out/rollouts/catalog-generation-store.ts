import type { Platform } from '@hotpatch/protocol'
import type { CatalogPlaces } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'

/** Nothing else writes generations: they rise with every change, and a catalog begins with its first. */
export function raiseGenerations(db: Connection, { appId, channel, platforms }: CatalogPlaces) {
  return db
    .insertInto('catalog_generation')
    .values(platforms.map((platform) => ({ app_id: appId, platform, channel, generation: 1 })))
    .onConflict((conflict) =>
      conflict
        .columns(['app_id', 'platform', 'channel'])
        .doUpdateSet((set) => ({ generation: set('catalog_generation.generation', '+', 1) })),
    )
    .execute()
}

/** Those by which releases may be offered now. */
export async function listCatalogsOf(db: Connection, releaseIds: readonly string[]): Promise<CatalogPlaces[]> {
  const rows = await db
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
  return rows.map(({ app_id: appId, channel, platform }) => ({ appId, channel, platforms: [platform] }))
}

/** Those that offer what is for a platform. */
export async function listCatalogsOfPlatform(
  db: Connection,
  appId: string,
  platform: Platform,
): Promise<CatalogPlaces[]> {
  const rows = await db
    .selectFrom('catalog_generation')
    .select(['channel', 'platform'])
    .where('app_id', '=', appId)
    .where('platform', 'in', [platform, 'any'])
    .execute()
  return rows.map(({ channel, platform: own }) => ({ appId, channel, platforms: [own] }))
}
