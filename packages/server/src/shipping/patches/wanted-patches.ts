import { sql } from 'kysely'
import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'

/** One archive release. */
export interface ArchiveRelease {
  releaseId: string
  sha256: string
}

/** A patch that devices of a channel could take: they are sent `target`, and may run `base`. */
export interface WantedPatch {
  appId: string
  target: ArchiveRelease
  base: ArchiveRelease
}

/** Where rollouts are placed, with the archive that its devices are sent, and those that were placed before it. */
export interface PlaceOfArchives {
  appId: string
  platform: Platform
  channel: string
  target: ArchiveRelease
  /** Latest first. */
  before: readonly ArchiveRelease[]
}

/** Some of them are there twice: after a roll-back, or for a further audience. */
const LOOKED_AT_FOR_EACH = 4

interface PlacedRow {
  app_id: string
  platform: Platform
  channel: string
  state: string
  release_id: string
  sha256: string
}

/** Of each channel and platform, its newest archive that is offered. */
export async function listPlacesOfArchives(db: Connection, bases: number): Promise<PlaceOfArchives[]> {
  const found = await sql<PlacedRow>`
    select app_id, platform, channel, state, release_id, sha256 from (
      select rollout.app_id, rollout.platform, rollout.channel, rollout.state, rollout.release_id, rollout.position,
        release_file.sha256,
        row_number() over (
          partition by rollout.app_id, rollout.platform, rollout.channel order by rollout.position desc
        ) as place
      from rollout
      join release_file on release_file.release_id = rollout.release_id and release_file.role = 'archive'
      where release_file.sha256 is not null
    ) as placed
    where place <= ${LOOKED_AT_FOR_EACH * (bases + 1)}
    order by app_id, platform, channel, position desc`.execute(db)
  const places = Map.groupBy(found.rows, ({ app_id, platform, channel }) => `${app_id}/${platform}/${channel}`)
  return [...places.values()].flatMap(placeOf)
}

function placeOf(rows: readonly PlacedRow[]): PlaceOfArchives[] {
  const newest = rows.find(({ state }) => state === 'active' || state === 'paused')
  if (!newest) return []
  const { app_id: appId, platform, channel } = newest
  const before = rows.map(archiveOf).filter(({ sha256 }) => sha256 !== newest.sha256)
  return [{ appId, platform, channel, target: archiveOf(newest), before: eachOnce(before) }]
}

function archiveOf({ release_id, sha256 }: Pick<PlacedRow, 'release_id' | 'sha256'>): ArchiveRelease {
  return { releaseId: release_id, sha256 }
}

function eachOnce(archives: readonly ArchiveRelease[]): ArchiveRelease[] {
  const known = new Set<string>()
  return archives.filter(({ sha256 }) => known.size < known.add(sha256).size)
}

/** What most of its devices run besides what they are sent: so many archives. */
export async function listRunArchives(
  reads: Connection,
  { appId, platform, channel, target }: PlaceOfArchives,
  bases: number,
): Promise<ArchiveRelease[]> {
  const rows = await reads
    .selectFrom((from) =>
      from
        .selectFrom('device')
        .select(({ fn }) => ['current_release_id', fn.countAll<number | string>().as('devices')])
        .where('app_id', '=', appId)
        .where('channel', '=', channel)
        .$if(platform !== 'any', (devices) => devices.where('platform', '=', platform))
        .where('gone_at', 'is', null)
        .where('current_release_id', 'is not', null)
        .groupBy('current_release_id')
        .orderBy('devices', 'desc')
        .limit(LOOKED_AT_FOR_EACH * bases)
        .as('running'),
    )
    .innerJoin('release', 'release.id', 'running.current_release_id')
    .innerJoin('release_file', 'release_file.release_id', 'release.id')
    .select(['release.id as release_id', 'release_file.sha256'])
    .where('release.app_id', '=', appId)
    .where('release_file.role', '=', 'archive')
    .where('release_file.sha256', 'is not', null)
    .orderBy('devices', 'desc')
    .orderBy('release.id', 'desc')
    .execute()
  const run = rows.map(({ release_id, sha256 }) => ({ releaseId: release_id, sha256: sha256 ?? '' }))
  return eachOnce(run.filter(({ sha256 }) => sha256 !== target.sha256)).slice(0, bases)
}

/** Most wanted first: what is run, then what was placed last. */
export function wantedOf(
  { appId, target, before }: PlaceOfArchives,
  run: readonly ArchiveRelease[],
  bases: number,
): WantedPatch[] {
  return eachOnce([...run, ...before.slice(0, bases)]).map((base) => ({ appId, target, base }))
}
