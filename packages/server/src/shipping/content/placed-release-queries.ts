import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'

/** Where a catalog's rollouts are placed. */
export interface PlaceOfReleases {
  appId: string
  platform: Platform
  channel: string
}

/** The ids of all releases that were ever placed there, for `where('release_id', 'in', …)`. */
export function placedReleases(db: Connection, { appId, platform, channel }: PlaceOfReleases) {
  return db
    .selectFrom('rollout')
    .select('rollout.release_id')
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .where('platform', 'in', [platform, 'any'])
}
