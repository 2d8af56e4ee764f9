import type { Platform, RolloutState } from '@hotpatch/protocol'
import type { Database } from '../../ground/database/schema.ts'
import { listLabels } from '../../rolling-out/rollouts/label-queries.ts'

/** Where a deployment is. */
export interface Place {
  appId: string
  platform: Platform
  channel: string
}

export interface HistoryRow {
  rollout_id: string
  release_id: string
  /** The channel where the release was published first. */
  first_channel: string
  position: number
  state: RolloutState
  mandatory: number
  percentage: number
  created_at: number
  created_by: string
  requirement: string
  notes: string
  sha256: string
  size_bytes: number
  package_hash: string
}

/** The latest of a deployment's rollouts, newest first, and the number of the newest: labels are counted. */
export async function listHistory(db: Database, place: Place, limit: number) {
  const { newest, labels, isEmbeddedOnTop } = await listLabels(db, place, limit)
  const rows = await selectHistory(db, [...labels.keys()])
  return { newest, labels, rows, isEmbeddedOnTop }
}

/** Of those that place an archive: nothing else is there for such clients. */
async function selectHistory(db: Database, ids: readonly string[]): Promise<HistoryRow[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('rollout')
    .innerJoin('release', 'release.id', 'rollout.release_id')
    .innerJoin('release_file', (join) =>
      join.onRef('release_file.release_id', '=', 'release.id').on('release_file.role', '=', 'archive'),
    )
    .innerJoin('file_digest', (join) =>
      join
        .onRef('file_digest.release_id', '=', 'release.id')
        .on('file_digest.role', '=', 'archive')
        .on('file_digest.algorithm', '=', 'package'),
    )
    .select([
      'rollout.id as rollout_id',
      'release.id as release_id',
      'rollout.position',
      'rollout.state',
      'rollout.mandatory',
      'rollout.percentage',
      'rollout.created_at',
      'rollout.created_by',
      'release.requirement',
      'release.channel as first_channel',
      'release.notes',
      'release_file.sha256',
      'release_file.size_bytes',
      'file_digest.value as package_hash',
    ])
    .where('rollout.id', 'in', ids)
    .orderBy('rollout.position', 'desc')
    .execute()
  return rows.map(({ sha256, ...row }) => ({ ...row, sha256: sha256 ?? '' }))
}

/** How many of the devices that are not gone run each release there now. */
export async function countRunning(db: Database, { appId, platform, channel }: Place): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('device')
    .select(['current_release_id', (of) => of.fn.countAll<number>().as('devices')])
    .where('app_id', '=', appId)
    .where('platform', '=', platform)
    .where('channel', '=', channel)
    .where('gone_at', 'is', null)
    .groupBy('current_release_id')
    .execute()
  return new Map(rows.flatMap(({ current_release_id: id, devices }) => (id === null ? [] : [[id, devices] as const])))
}
