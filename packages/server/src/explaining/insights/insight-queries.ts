import type { Bucket, InsightQuery } from '@hotpatch/api'
import type { ContentKindName } from '@hotpatch/protocol'
import { sql, type RawBuilder, type SqlBool } from 'kysely'
import { DAY_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { startOfPeriod } from '../../fleet/recording/writing/periods.ts'
import { TOLD_COUNTERS } from '../../fleet/progress/rollout-progress.ts'
import { type TimeRange } from './time-range.ts'

/** Where to look: everywhere, when neither is given. */
export type Place = Pick<InsightQuery, 'platform' | 'channel'>

/** PostgreSQL sums bigint into numeric, which would arrive as text; nothing sums up to null. */
const total = (column: string) => sql<number>`cast(coalesce(sum(${sql.ref(column)}), 0) as bigint)`
const count = sql<number>`count(*)`

/** Hours, or else the days from which weeks and months are put together. */
function timeOf(bucket: Bucket) {
  return bucket === 'hour' ? sql<number>`hour_at` : sql<number>`hour_at - hour_at % ${sql.lit(DAY_MS)}`
}

function isAt({ platform, channel }: Place) {
  const conditions = [
    sql`true`,
    ...(platform === undefined ? [] : [sql`platform = ${platform}`]),
    ...(channel === undefined ? [] : [sql`channel = ${channel}`]),
  ]
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** Where files of releases are looked at, too, which have a platform of their own. */
function isReleaseAt({ platform, channel }: Place) {
  const conditions = [
    sql`true`,
    ...(platform === undefined ? [] : [sql`release.platform = ${platform}`]),
    ...(channel === undefined
      ? []
      : [sql`exists (select 1 from rollout where rollout.release_id = release.id and rollout.channel = ${channel})`]),
  ]
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** Of a download, whose address named no release that has its bytes. */
const OF_ANY_RELEASE = ''

/** Seen in the last day, week and month before `now`: each part of the index is read once. */
export async function countRecent(db: Connection, appId: string, now: number) {
  const seen = (fromDays: number, toDays: number) =>
    db
      .selectFrom('device')
      .select(count.as('devices'))
      .where('app_id', '=', appId)
      .where('last_seen_at', '>', now - fromDays * DAY_MS)
      .$if(toDays > 0, (devices) => devices.where('last_seen_at', '<=', now - toDays * DAY_MS))
  const { day, week, month } = await db
    .selectNoFrom([seen(1, 0).as('day'), seen(7, 1).as('week'), seen(30, 7).as('month')])
    .executeTakeFirstOrThrow()
  const [inDay, inWeek, inMonth] = [day ?? 0, week ?? 0, month ?? 0]
  return { day: inDay, week: inDay + inWeek, month: inDay + inWeek + inMonth }
}

export function countKnown(db: Connection, appId: string, { from, to }: TimeRange) {
  return db
    .selectFrom('device')
    .select([
      count.as('known'),
      sql<number>`count(gone_at)`.as('gone'),
      sql<number>`count(case when first_seen_at >= ${from} and first_seen_at < ${to} then 1 end)`.as('new'),
    ])
    .where('app_id', '=', appId)
    .executeTakeFirstOrThrow()
}

/** Those that are not gone. */
export async function countPresent(db: Connection, appId: string, place: Place): Promise<number> {
  const { devices } = await db
    .selectFrom('device')
    .select(count.as('devices'))
    .where('app_id', '=', appId)
    .where(isAt(place))
    .where('gone_at', 'is', null)
    .executeTakeFirstOrThrow()
  return devices
}

/** Devices that were active in each period. */
export function sumActivity(db: Connection, appId: string, { from, to, bucket }: TimeRange, place: Place) {
  return db
    .selectFrom('activity')
    .select(['starts_at as at', total('devices').as('devices')])
    .where('app_id', '=', appId)
    .where('period', '=', bucket)
    .where('starts_at', '>=', startOfPeriod(bucket, from))
    .where('starts_at', '<', to)
    .where(isAt(place))
    .groupBy('starts_at')
    .orderBy('starts_at')
    .execute()
}

export function sumActivityByVersion(db: Connection, appId: string, { from, to, bucket }: TimeRange, place: Place) {
  return db
    .selectFrom('activity')
    .select(['starts_at as at', 'version', total('devices').as('devices')])
    .where('app_id', '=', appId)
    .where('period', '=', bucket)
    .where('starts_at', '>=', startOfPeriod(bucket, from))
    .where('starts_at', '<', to)
    .where(isAt(place))
    .groupBy(['starts_at', 'version'])
    .execute()
}

/** What devices that are not gone run now, most frequent first; of a release that nobody knows the name is empty. */
export function countVersions(db: Connection, appId: string, place: Place) {
  return db
    .selectFrom(
      db
        .selectFrom('device')
        // In the order of the index, so that nothing is sorted.
        .select(['platform', 'channel', 'current_release_id', count.as('devices')])
        .where('app_id', '=', appId)
        .where(isAt(place))
        .where('gone_at', 'is', null)
        .groupBy(['platform', 'channel', 'current_release_id'])
        .as('running'),
    )
    .leftJoin('release', 'release.id', 'running.current_release_id')
    .select([
      sql<number>`case when running.current_release_id is null then 1 else 0 end`.as('is_embedded'),
      // Nulls are sorted here on one database, and there on the other.
      sql<string>`coalesce(release.version, '')`.as('name'),
      total('running.devices').as('devices'),
    ])
    .groupBy(['is_embedded', 'name'])
    .orderBy('devices', 'desc')
    .orderBy('is_embedded')
    .orderBy('name')
    .execute()
}

export function sumChecks(db: Connection, appId: string, { from, to, bucket }: TimeRange, place: Place) {
  return db
    .selectFrom('check_hour')
    .select([timeOf(bucket).as('at'), total('checks').as('checks')])
    .where('app_id', '=', appId)
    .where('hour_at', '>=', from)
    .where('hour_at', '<', to)
    .where(isAt(place))
    .groupBy('at')
    .execute()
}

/** How checks were answered, most frequent first. */
export function sumAnswers(db: Connection, appId: string, { from, to }: TimeRange, place: Place) {
  return db
    .selectFrom('check_hour')
    .select(['decision', 'reason', total('checks').as('checks')])
    .where('app_id', '=', appId)
    .where('hour_at', '>=', from)
    .where('hour_at', '<', to)
    .where(isAt(place))
    .groupBy(['decision', 'reason'])
    .orderBy('checks', 'desc')
    .orderBy('reason')
    .execute()
}

/** Bytes that two releases share, and of which nobody said for which they were, count once. */
export function sumDownloads(db: Connection, appId: string, { from, to, bucket }: TimeRange, place: Place) {
  return db
    .selectFrom('download_hour')
    .select([timeOf(bucket).as('at'), total('downloads').as('downloads'), total('sent_bytes').as('sentBytes')])
    .where('sha256', 'in', (files) =>
      files
        .selectFrom('release')
        .innerJoin('release_file', 'release_file.release_id', 'release.id')
        .select('release_file.sha256')
        .where('app_id', '=', appId)
        .where('role', '!=', 'asset')
        .where(isReleaseAt(place)),
    )
    .where(({ eb, or }) =>
      or([
        eb('release_id', '=', OF_ANY_RELEASE),
        eb('release_id', 'in', (releases) =>
          releases.selectFrom('release').select('id').where('app_id', '=', appId).where(isReleaseAt(place)),
        ),
      ]),
    )
    .where('hour_at', '>=', from)
    .where('hour_at', '<', to)
    .groupBy('at')
    .execute()
}

/** Newest first. A channel is where the release was published first. */
export function sumDownloadsByRelease(
  db: Connection,
  appId: string,
  { from, to }: TimeRange,
  place: Place,
  limit: number,
) {
  return db
    .selectFrom('release')
    .innerJoin('release_file', 'release_file.release_id', 'release.id')
    .innerJoin('download_hour', 'download_hour.sha256', 'release_file.sha256')
    .select(['release.id', total('downloads').as('downloads'), total('sent_bytes').as('sentBytes')])
    .where('app_id', '=', appId)
    .where('role', '!=', 'asset')
    .where(isReleaseAt(place))
    .where(({ eb, or, ref }) =>
      or([eb('download_hour.release_id', '=', OF_ANY_RELEASE), eb('download_hour.release_id', '=', ref('release.id'))]),
    )
    .where('hour_at', '>=', from)
    .where('hour_at', '<', to)
    .groupBy('release.id')
    .orderBy('release.id', 'desc')
    .limit(limit)
    .execute()
}

/** What devices told of their downloads, newest release first. */
export function sumToldDownloads(db: Connection, appId: string, { from, to }: TimeRange, place: Place, limit: number) {
  return db
    .selectFrom('release')
    .innerJoin('rollout', 'rollout.release_id', 'release.id')
    .innerJoin('rollout_hour', 'rollout_hour.rollout_id', 'rollout.id')
    .select('release.id')
    .select(TOLD_COUNTERS.map((counter) => total(counter).as(counter)))
    .where('release.app_id', '=', appId)
    .$if(place.platform !== undefined, (rows) => rows.where('release.platform', '=', place.platform ?? 'any'))
    .$if(place.channel !== undefined, (rows) => rows.where('rollout.channel', '=', place.channel ?? ''))
    .where('hour_at', '>=', from)
    .where('hour_at', '<', to)
    .where(({ eb, or }) => or([eb('received_bytes', '>', 0), eb('patch_failed', '>', 0)]))
    .groupBy('release.id')
    .orderBy('release.id', 'desc')
    .limit(limit)
    .execute()
}

/** The same over time, with the whole size of what they told of. */
export function sumToldOverTime(db: Connection, appId: string, { from, to, bucket }: TimeRange, place: Place) {
  const times = (count: string) => sql`${sql.ref(count)} * whole.size_bytes`
  const sumOf = (value: RawBuilder<unknown>) => sql<number>`cast(coalesce(sum(${value}), 0) as bigint)`
  return db
    .selectFrom('release')
    .innerJoin('rollout', 'rollout.release_id', 'release.id')
    .innerJoin('rollout_hour', 'rollout_hour.rollout_id', 'rollout.id')
    .innerJoin(
      (files) =>
        files
          .selectFrom('release_file')
          .innerJoin('release as of_app', 'of_app.id', 'release_file.release_id')
          .select(['release_id', total('size_bytes').as('size_bytes')])
          .where('of_app.app_id', '=', appId)
          .where('role', '!=', 'asset')
          .groupBy('release_id')
          .as('whole'),
      (join) => join.onRef('whole.release_id', '=', 'release.id'),
    )
    .select([
      timeOf(bucket).as('at'),
      total('received_bytes').as('toldBytes'),
      sumOf(times('told_downloads')).as('fullBytes'),
      sumOf(sql`(told_patched + told_packed) * whole.size_bytes - patched_bytes - packed_bytes`).as('patchSavedBytes'),
    ])
    .where('release.app_id', '=', appId)
    .$if(place.platform !== undefined, (rows) => rows.where('release.platform', '=', place.platform ?? 'any'))
    .$if(place.channel !== undefined, (rows) => rows.where('rollout.channel', '=', place.channel ?? ''))
    .where('hour_at', '>=', from)
    .where('hour_at', '<', to)
    .where('received_bytes', '>', 0)
    .groupBy('at')
    .execute()
}

/** How far devices came with each release of a kind since it was placed, newest first. */
export function sumReleases(
  db: Connection,
  appId: string,
  { platform, channel, kind }: Place & { kind: ContentKindName },
  limit: number,
) {
  return db
    .selectFrom('release')
    .innerJoin('rollout', 'rollout.release_id', 'release.id')
    .innerJoin('rollout_hour', 'rollout_hour.rollout_id', 'rollout.id')
    .select(['release.id', 'release.version', 'release.platform'])
    .select([
      total('downloaded').as('downloaded'),
      total('attempted').as('attempted'),
      total('attempted_bad').as('bad'),
      total('confirmed').as('confirmed'),
      total('running').as('running'),
      total('rolled_back').as('rolledBack'),
    ])
    .where('release.app_id', '=', appId)
    .where('release.kind', '=', kind)
    .$if(platform !== undefined, (rows) => rows.where('release.platform', '=', platform ?? 'any'))
    .$if(channel !== undefined, (rows) => rows.where('rollout.channel', '=', channel ?? ''))
    .groupBy(['release.id', 'release.version', 'release.platform'])
    .orderBy('release.id', 'desc')
    .limit(limit)
    .execute()
}

export function listReleasesById(db: Connection, ids: readonly string[]) {
  if (ids.length === 0) return Promise.resolve([])
  return db
    .selectFrom('release')
    .innerJoin('release_file', 'release_file.release_id', 'release.id')
    .select(['release.id', 'version', 'release.platform', total('size_bytes').as('size_bytes')])
    .where('release.id', 'in', ids)
    .where('role', '!=', 'asset')
    .groupBy(['release.id', 'version', 'release.platform'])
    .orderBy('release.id', 'desc')
    .execute()
}
