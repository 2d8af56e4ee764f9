import type { ReleaseFilter } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type ReleaseRow = Schema['release']

export function insertRelease(db: Connection, release: ReleaseRow) {
  return db.insertInto('release').values(release).execute()
}

export function findRelease(db: Connection, id: string) {
  return db.selectFrom('release').selectAll().where('id', '=', id).executeTakeFirst()
}

export function findReleaseByVersion(
  db: Connection,
  { appId, platform, version, channel }: { appId: string; platform: Platform; version: string; channel: string },
) {
  return db
    .selectFrom('release')
    .selectAll()
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('version', '=', version)
    .where('channel', '=', channel)
    .executeTakeFirst()
}

export function listReleases(
  db: Connection,
  appId: string | null,
  { platform, channel, version, active, archived }: ReleaseFilter,
  { after, limit }: PageRequest,
) {
  return db
    .selectFrom('release')
    .selectAll()
    .$if(appId !== null, (releases) => releases.where('app_id', '=', appId ?? ''))
    .$if(platform !== undefined, (releases) => releases.where('platform', '=', platform ?? 'any'))
    .$if(channel !== undefined, (releases) => releases.where('channel', '=', channel ?? ''))
    .$if(version !== undefined, (releases) => releases.where('version', '=', version ?? ''))
    .$if(active !== undefined, (releases) =>
      releases.where(({ exists, not, selectFrom }) => {
        const isPlaced = exists(
          selectFrom('rollout')
            .select('rollout.id')
            .whereRef('rollout.release_id', '=', 'release.id')
            .where('rollout.state', 'in', ['active', 'paused']),
        )
        return active ? isPlaced : not(isPlaced)
      }),
    )
    .where('archived_at', archived ? 'is not' : 'is', null)
    .$if(after !== undefined, (releases) => releases.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** False when it was archived before. */
export async function markArchived(db: Connection, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable('release')
    .set({ archived_at: now })
    .where('id', '=', id)
    .where('archived_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** The highest of these platforms' sequences; every platform's when `platforms` is null. */
export async function findLastSequence(
  db: Connection,
  appId: string,
  platforms: readonly Platform[] | null,
): Promise<number> {
  const row = await db
    .selectFrom('platform_sequence')
    .select((query) => query.fn.max('last_sequence').as('last'))
    .where('app_id', '=', appId)
    .$if(platforms !== null, (rows) => rows.where('platform', 'in', platforms ?? []))
    .executeTakeFirst()
  return row?.last ?? 0
}

/** Takes `sequence` if it is above every earlier one of the platform; false when someone else has taken it. */
export async function takeSequence(
  db: Connection,
  appId: string,
  platform: Platform,
  sequence: number,
): Promise<boolean> {
  const result = await db
    .insertInto('platform_sequence')
    .values({ app_id: appId, platform, last_sequence: sequence })
    .onConflict((conflict) =>
      conflict
        .columns(['app_id', 'platform'])
        .doUpdateSet({ last_sequence: sequence })
        .where('platform_sequence.last_sequence', '<', sequence),
    )
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}
