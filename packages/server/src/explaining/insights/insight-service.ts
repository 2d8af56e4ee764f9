import {
  OTHER_VERSIONS,
  REASON_SENTENCES,
  UNKNOWN_VERSION,
  type ActiveDevices,
  type Bucket,
  type Checks,
  type Downloads,
  type InsightQuery,
  type Overview,
  type Reasons,
  type VersionDistribution,
  type WholeInsightQuery,
} from '@hotpatch/api'
import type { ContentKindName, Platform } from '@hotpatch/protocol'
import { type Clock, HOUR_MS, MINUTE_MS, timestamp } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { startOfPeriod } from '../../fleet/recording/writing/periods.ts'

import type { Sampling } from '../../fleet/progress/sampling.ts'
import { countUnkept } from '../../fleet/recording/unkept-events.ts'
import { addTold, NOTHING_TOLD, renderTold } from './download-figures.ts'
import { shareOf } from './figures.ts'
import {
  countKnown,
  countRecent,
  countVersions,
  listReleasesById,
  sumActivity,
  sumActivityByVersion,
  sumAnswers,
  sumChecks,
  sumDownloads,
  sumDownloadsByRelease,
  sumReleases,
  sumToldDownloads,
  sumToldOverTime,
  type Place,
} from './insight-queries.ts'
import type { CountTakers } from '../../rolling-out/rollouts/takers.ts'
import { createRolloutInsights } from './rollout-insights.ts'
import {
  bucketsOf,
  elapsedIn,
  fillBuckets,
  lastMomentOf,
  readTimeRange,
  renderRange,
  type TimeRange,
} from './time-range.ts'

/** In a series; the rest are one. */
const MAX_VERSIONS = 12
/** In the list of what devices run now. */
const MAX_VERSIONS_NOW = 100
const MAX_RELEASES = 500
/** What a check may end with that brings something. */
const OFFERS = ['update', 'embedded']

/** In devices. */
export interface ReleaseFigures {
  id: string
  version: string
  platform: Platform
  downloaded: number
  attempted: number
  succeeded: number
  bad: number
  rolledBack: number
}

export type InsightService = ReturnType<typeof createInsightService>

/**
 * What people ask about a fleet.
 * @param db is only read, and may take its time
 * @param dropped how many notes and counts were left out since the start
 */
export function createInsightService({
  db,
  clock,
  sampling,
  countTakers,
  dropped,
}: {
  db: Database
  clock: Clock
  sampling: Sampling
  countTakers: CountTakers
  dropped: () => number
}) {
  async function overview(appId: string, query: WholeInsightQuery): Promise<Overview> {
    const now = clock.now()
    const range = readTimeRange(query, now)
    const recent = await countRecent(db, appId, now)
    const downloads = await sumDownloads(db, appId, range, {})
    const checks = await sumChecks(db, appId, range, {})
    return {
      at: timestamp(now),
      ...renderRange(range),
      active: {
        day: { devices: recent.day, ...(await trendOf(appId, 'day', now)) },
        week: { devices: recent.week, ...(await trendOf(appId, 'week', now)) },
        month: { devices: recent.month, ...(await trendOf(appId, 'month', now)) },
      },
      ...(await countKnown(db, appId, range)),
      checks: {
        total: checks.reduce((sum, row) => sum + row.checks, 0),
        perMinute: await checksPerMinute(appId, now),
      },
      downloads: {
        count: downloads.reduce((sum, row) => sum + row.downloads, 0),
        sentBytes: downloads.reduce((sum, row) => sum + row.sentBytes, 0),
      },
      eventsNotKept: await countUnkept(db, appId, lastMomentOf(range)),
      droppedSinceStart: dropped(),
    }
  }

  /** The last calendar period that is over, compared with the one before it. */
  async function trendOf(appId: string, bucket: Exclude<Bucket, 'hour'>, now: number) {
    const to = startOfPeriod(bucket, now)
    const from = startOfPeriod(bucket, startOfPeriod(bucket, to - 1) - 1)
    const rows = await sumActivity(db, appId, { from, to, bucket }, {})
    const [before = 0, lastFull = 0] = fillBuckets({ from, to, bucket }, rows, ['devices']).map((row) => row.devices)
    return { lastFull, before, trend: before === 0 ? null : lastFull / before - 1 }
  }

  async function checksPerMinute(appId: string, now: number): Promise<number> {
    const from = startOfPeriod('hour', now) - HOUR_MS
    const rows = await sumChecks(db, appId, { from, to: now + 1, bucket: 'hour' }, {})
    const checks = rows.reduce((sum, row) => sum + row.checks, 0)
    return rounded(checks / ((now - from) / MINUTE_MS))
  }

  async function active(appId: string, query: InsightQuery): Promise<ActiveDevices> {
    const range = readTimeRange(query, clock.now())
    const rows = await sumActivity(db, appId, range, query)
    const points = fillBuckets(range, rows, ['devices'])
    return { ...renderRange(range), points: points.map(({ at, devices }) => ({ at: timestamp(at), devices })) }
  }

  async function versions(appId: string, query: InsightQuery): Promise<VersionDistribution> {
    const range = readTimeRange(query, clock.now())
    const now = await countVersions(db, appId, query)
    const all = now.reduce((sum, { devices }) => sum + devices, 0)
    const rows = await sumActivityByVersion(db, appId, range, query)
    return {
      ...renderRange(range),
      now: foldVersions(
        now.map(({ is_embedded, name, devices }) => ({
          version: is_embedded ? null : name || UNKNOWN_VERSION,
          devices,
        })),
        all,
      ),
      ...versionSeries(range, rows),
    }
  }

  async function checks(appId: string, query: InsightQuery): Promise<Checks> {
    const now = clock.now()
    const range = readTimeRange(query, now)
    const points = fillBuckets(range, await sumChecks(db, appId, range, query), ['checks'])
    return {
      ...renderRange(range),
      total: points.reduce((sum, point) => sum + point.checks, 0),
      points: points.map(({ at, checks }) => ({
        at: timestamp(at),
        checks,
        perMinute: rounded(checks / Math.max(1, elapsedIn(range, at, now) / MINUTE_MS)),
      })),
    }
  }

  async function reasons(appId: string, query: InsightQuery): Promise<Reasons> {
    const range = readTimeRange(query, clock.now())
    const answers = await sumAnswers(db, appId, range, query)
    const noes = answers.filter(({ decision }) => !OFFERS.includes(decision))
    const refusals = noes.reduce((sum, row) => sum + row.checks, 0)
    return {
      from: timestamp(range.from),
      to: timestamp(range.to),
      checks: answers.reduce((sum, row) => sum + row.checks, 0),
      refusals,
      reasons: noes.map(({ decision, reason, checks }) => ({
        decision,
        reason,
        checks,
        share: shareOf(checks, refusals),
        explanation: (REASON_SENTENCES as Record<string, string>)[reason] ?? reason,
      })),
    }
  }

  async function downloads(appId: string, query: InsightQuery): Promise<Downloads> {
    const range = readTimeRange(query, clock.now())
    const sent = fillBuckets(range, await sumDownloads(db, appId, range, query), ['downloads', 'sentBytes'])
    const toldNames = ['toldBytes', 'fullBytes', 'patchSavedBytes'] as const
    const told = fillBuckets(range, await sumToldOverTime(db, appId, range, query), toldNames)
    const releases = await downloadsByRelease(appId, range, query)
    return {
      ...renderRange(range),
      eventsNotKept: await countUnkept(db, appId, lastMomentOf(range)),
      downloads: sent.reduce((total, point) => total + point.downloads, 0),
      sentBytes: sent.reduce((total, point) => total + point.sentBytes, 0),
      ...addTold(releases),
      releases,
      points: told.map((point, index) => ({
        ...point,
        at: timestamp(point.at),
        downloads: sent[index]?.downloads ?? 0,
        sentBytes: sent[index]?.sentBytes ?? 0,
      })),
    }
  }

  /** How devices fared with the releases of a kind since they were placed, newest first. */
  async function releasesOf(
    appId: string,
    kind: ContentKindName,
    place: Pick<InsightQuery, 'platform' | 'channel'>,
  ): Promise<ReleaseFigures[]> {
    const rows = await sumReleases(db, appId, { ...place, kind }, MAX_RELEASES)
    return rows.map(({ confirmed, running, ...figures }) => ({
      ...figures,
      // Who confirmed is seen running at the next check.
      succeeded: Math.max(confirmed, running),
    }))
  }

  async function downloadsByRelease(appId: string, range: TimeRange, place: Place): Promise<Downloads['releases']> {
    const sent = await sumDownloadsByRelease(db, appId, range, place, MAX_RELEASES)
    const told = await sumToldDownloads(db, appId, range, place, MAX_RELEASES)
    const sentById = new Map(sent.map((row) => [row.id, row]))
    const toldById = new Map(told.map((row) => [row.id, row]))
    const releases = await listReleasesById(db, [...new Set([...sentById.keys(), ...toldById.keys()])])
    return releases.map(({ id, version, platform, size_bytes }) => {
      const { downloads = 0, sentBytes = 0 } = sentById.get(id) ?? {}
      const release = { releaseId: id, version, platform, sizeBytes: size_bytes }
      return { ...release, downloads, sentBytes, ...renderTold(toldById.get(id) ?? NOTHING_TOLD, size_bytes) }
    })
  }

  const { adoption, health, healthOverTime, experiment, armFigures } = createRolloutInsights({
    db,
    clock,
    sampling,
    countTakers,
  })
  return {
    overview,
    active,
    versions,
    checks,
    reasons,
    downloads,
    releasesOf,
    adoption,
    health,
    healthOverTime,
    experiment,
    /** For rollouts that the caller may see. */
    armFigures,
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

type VersionCount = { version: string | null; devices: number }

/** Those beyond the list are one. */
function foldVersions(found: readonly VersionCount[], all: number): VersionDistribution['now'] {
  const shown = found.slice(0, MAX_VERSIONS_NOW)
  const others = found.slice(MAX_VERSIONS_NOW).reduce((sum, { devices }) => sum + devices, 0)
  const listed = others > 0 ? [...shown, { version: OTHER_VERSIONS, devices: others }] : shown
  return listed.map(({ version, devices }) => ({ version, devices, share: shareOf(devices, all) }))
}

/** Every version in every bucket, the most frequent first. */
function versionSeries(
  range: TimeRange,
  rows: readonly { at: number; version: string; devices: number }[],
): Pick<VersionDistribution, 'versions' | 'points'> {
  const totals = new Map<string, number>()
  for (const { version, devices } of rows) totals.set(version, (totals.get(version) ?? 0) + devices)
  const ranked = [...totals].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([version]) => version)
  const shown = new Set(ranked.slice(0, MAX_VERSIONS))
  const series = Map.groupBy(rows, ({ version }) => (shown.has(version) ? version : OTHER_VERSIONS))
  const names = [...shown, ...(series.has(OTHER_VERSIONS) ? [OTHER_VERSIONS] : [])]
  const filled = names.map((name) => fillBuckets(range, series.get(name) ?? [], ['devices']))
  return {
    // The counters call what the binary shipped with nothing.
    versions: names.map((name) => name || null),
    points: bucketsOf(range).map((at, index) => ({
      at: timestamp(at),
      devices: filled.map((points) => points[index]?.devices ?? 0),
    })),
  }
}
