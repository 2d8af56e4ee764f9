import {
  MAX_INSIGHT_DAYS,
  type Adoption,
  type ArmFigures,
  type Experiment,
  type ExperimentResults,
  type InsightQuery,
  type ReleaseHealth,
  type RolloutHealth,
  type WholeInsightQuery,
} from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { type Clock, DAY_MS, HOUR_MS, nullableTimestamp, timestamp } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { NO_FIGURES, sumRolloutHours, type RolloutFigures } from '../../fleet/progress/rollout-progress.ts'
import type { CountTakers } from '../../rolling-out/rollouts/takers.ts'
import { countUnkept } from '../../fleet/recording/unkept-events.ts'
import type { Sampling } from '../../fleet/progress/sampling.ts'
import {
  rateOf,
  renderArm,
  renderHealth,
  renderPlaced,
  renderReach,
  renderTakers,
  shareOf,
  type PresentFigures,
} from './figures.ts'
import { renderTold } from './download-figures.ts'
import { countPresent, listReleasesById } from './insight-queries.ts'
import {
  countRunning,
  countStuck,
  findExperiment,
  findPlaced,
  listBusyRollouts,
  listHealthHours,
  listPlaced,
  listRunningHours,
  type HealthHour,
  type PlacedRollout,
} from './rollout-queries.ts'
import { compareArms } from './compare-arms.ts'
import { fillBuckets, lastMomentOf, readTimeRange, renderRange, type TimeRange } from './time-range.ts'

/** Of which no news makes a device stuck. */
const STUCK_MS = DAY_MS
const MAX_ROLLOUTS = 500
const MILESTONES = [0.5, 0.9] as const
const SLICE_PARTS = 10_000

interface RunningHour {
  at: number
  running: number
}

/** What became of rollouts. `db` is only read. */
export function createRolloutInsights({
  db,
  clock,
  sampling,
  countTakers,
}: {
  db: Database
  clock: Clock
  sampling: Sampling
  countTakers: CountTakers
}) {
  /** @throws problem rollout-not-found */
  async function adoption(appId: string, rolloutId: string, query: WholeInsightQuery): Promise<Adoption> {
    const rollout = await getPlaced(appId, rolloutId)
    const now = clock.now()
    const startsAt = rollout.starts_at ?? rollout.created_at
    const range = readTimeRange(query, now, sinceStart(rollout))
    const figures = (await sumRolloutHours(db, [rolloutId])).get(rolloutId) ?? NO_FIGURES
    const present = await presentOf(appId, [rollout])
    const { running } = present(rolloutId)
    const believed = (await sampling.readBounded(db, [rolloutId])).get(rolloutId)
    const eligible = await countEligible(appId, rollout, figures)
    const takers = await countTakers({ ...rollout, app_id: appId })
    const hours = await listRunningHours(db, rolloutId, MAX_INSIGHT_DAYS * 24)
    return {
      ...renderRange(range),
      eventsNotKept: await countUnkept(db, appId, lastMomentOf(range)),
      ...renderPlaced(rollout),
      percentage: rollout.percentage,
      startedAt: nullableTimestamp(startsAt <= now ? startsAt : null),
      eligible,
      takers: takers ? renderTakers(takers) : null,
      ...renderReach(figures, present(rolloutId)),
      ...renderHealth([figures], [believed]),
      downloads: renderTold(figures, await sizeOf(rollout)),
      share: eligible.devices === 0 ? null : shareOf(running, eligible.devices),
      reached: MILESTONES.map((share) => ({
        share,
        ...renderMilestone(whenReached(hours, share * eligible.devices, startsAt, now), startsAt),
      })),
      points: withPresent(curveOf(range, hours, eligible.devices), range, running, now),
    }
  }

  async function getPlaced(appId: string, rolloutId: string): Promise<PlacedRollout> {
    const rollout = await findPlaced(db, appId, rolloutId)
    if (rollout) return rollout
    throw problem('rollout-not-found', `The app has no rollout with the id ${rolloutId}.`)
  }

  async function sizeOf({ release_id }: PlacedRollout): Promise<number> {
    const [release] = release_id === null ? [] : await listReleasesById(db, [release_id])
    return release?.size_bytes ?? 0
  }

  async function presentOf(appId: string, rollouts: readonly PlacedRollout[]): Promise<(id: string) => PresentFigures> {
    const ids = rollouts.map(({ id }) => id)
    const stuck = await countStuck(db, ids, clock.now() - STUCK_MS)
    const running = new Map<string, number>()
    for (const rollout of rollouts) running.set(rollout.id, await countRunning(db, appId, rollout))
    return (id) => ({ running: running.get(id) ?? 0, stuck: stuck.get(id) ?? 0 })
  }

  async function countEligible(
    appId: string,
    { platform, channel, percentage, slice, rules }: PlacedRollout,
    { offered, running, attempted }: RolloutFigures,
  ): Promise<Adoption['eligible']> {
    const reached = Math.max(offered, running, attempted)
    if ((JSON.parse(rules) as unknown[]).length > 0) return { devices: reached, basis: 'reached' }
    const present = await countPresent(db, appId, platform === 'any' ? { channel } : { platform, channel })
    const part = (percentage / 100) * widthOf(slice)
    const devices = Math.round(present * part)
    if (reached > devices) return { devices: reached, basis: 'reached' }
    return { devices, basis: part === 1 ? 'known' : 'percentage' }
  }

  async function health(appId: string, query: InsightQuery): Promise<ReleaseHealth> {
    const range = readTimeRange(query, clock.now())
    const rollouts = await listBusyRollouts(db, appId, range, query, MAX_ROLLOUTS)
    const figures = await sumRolloutHours(
      db,
      rollouts.map(({ id }) => id),
    )
    const believed = await sampling.readBounded(
      db,
      rollouts.map(({ id }) => id),
    )
    const byRelease = Map.groupBy(rollouts, ({ release_id, platform }) => release_id ?? `embedded for ${platform}`)
    const releases = [...byRelease.values()].flatMap((placed) => {
      const [first] = placed
      if (!first) return []
      const rendered = placed.map((rollout) => ({
        ...renderPlaced(rollout),
        experimentId: rollout.experiment_id,
        ...renderHealth([figures.get(rollout.id) ?? NO_FIGURES], [believed.get(rollout.id)]),
      }))
      const all = placed.map(({ id }) => figures.get(id) ?? NO_FIGURES)
      const { release_id, version, platform } = first
      return [
        {
          releaseId: release_id,
          version,
          platform,
          ...renderHealth(
            all,
            placed.map(({ id }) => believed.get(id)),
          ),
          rollouts: rendered,
        },
      ]
    })
    const eventsNotKept = await countUnkept(db, appId, lastMomentOf(range))
    return { from: timestamp(range.from), to: timestamp(range.to), eventsNotKept, releases }
  }

  /** How rollouts do, in the order of their making. */
  async function armFigures(appId: string, rolloutIds: readonly string[]): Promise<ArmFigures[]> {
    if (rolloutIds.length === 0) return []
    const rollouts = await listPlaced(db, rolloutIds)
    const figures = await sumRolloutHours(db, rolloutIds)
    const present = await presentOf(appId, rollouts)
    const believed = await sampling.readBounded(db, rolloutIds)
    return rollouts.map((rollout) =>
      renderArm(rollout, figures.get(rollout.id) ?? NO_FIGURES, present(rollout.id), believed.get(rollout.id)),
    )
  }

  /** @throws problem experiment-not-found */
  async function experiment(appId: string, experimentId: string): Promise<ExperimentResults> {
    const found = await findExperiment(db, appId, experimentId)
    if (!found) throw problem('experiment-not-found', `The app has no experiment with the id ${experimentId}.`)
    const arms = JSON.parse(found.arms) as Experiment['arms']
    const figures = new Map(
      (
        await armFigures(
          appId,
          arms.map((arm) => arm.rolloutId),
        )
      ).map((arm) => [arm.rolloutId, arm]),
    )
    const rendered = arms.flatMap(({ name, weight, rolloutId }) => {
      const arm = figures.get(rolloutId)
      return arm ? [{ arm: name, weight, ...arm }] : []
    })
    return { experimentId, name: found.name, arms: rendered, comparisons: compareArms(rendered) }
  }

  /** @throws problem rollout-not-found */
  async function healthOverTime(appId: string, rolloutId: string, query: WholeInsightQuery): Promise<RolloutHealth> {
    const rollout = await getPlaced(appId, rolloutId)
    const now = clock.now()
    const range = readTimeRange(query, now, sinceStart(rollout))
    const hours = await listHealthHours(db, rolloutId, range.to)
    return { ...renderRange(range), ...renderPlaced(rollout), points: healthCurve(range, hours) }
  }

  return { adoption, health, healthOverTime, armFigures, experiment }
}

/** From where it began, as far back as one may ask. */
function sinceStart({ starts_at, created_at }: PlacedRollout): (to: number) => number {
  return (to) => Math.min(Math.max(starts_at ?? created_at, to - MAX_INSIGHT_DAYS * DAY_MS), to - HOUR_MS)
}

/** The part of those who take part in a test that an arm is for. */
function widthOf(slice: string | null): number {
  if (slice === null) return 1
  const { from, to } = JSON.parse(slice) as { from: number; to: number }
  return (to - from) / SLICE_PARTS
}

/** Within the hour in which it happened, as if the devices of that hour had come one after the other. */
function whenReached(hours: readonly RunningHour[], wanted: number, startsAt: number, now: number): number | null {
  if (wanted === 0) return null
  let total = 0
  for (const { at, running } of hours) {
    if (total + running >= wanted) {
      const begin = Math.max(at, startsAt)
      const end = Math.max(begin, Math.min(at + HOUR_MS, now))
      return Math.round(begin + ((wanted - total) / running) * (end - begin))
    }
    total += running
  }
  return null
}

function renderMilestone(at: number | null, startsAt: number) {
  return { at: nullableTimestamp(at), seconds: at === null ? null : Math.max(0, Math.round((at - startsAt) / 1000)) }
}

/** What runs it is known of now alone. */
function withPresent(points: Adoption['points'], { to }: TimeRange, running: number, now: number): Adoption['points'] {
  return points.map((point, index) => (index === points.length - 1 && to >= now ? { ...point, running } : point))
}

const HEALTH_COUNTERS = ['attempted', 'bad', 'failed', 'rolledBack', 'crashed'] as const

function healthCurve(range: TimeRange, hours: readonly HealthHour[]): RolloutHealth['points'] {
  const before = hours.filter(({ at }) => at < range.from)
  const total = {
    attempted: before.reduce((sum, hour) => sum + hour.attempted, 0),
    bad: before.reduce((sum, hour) => sum + hour.bad, 0),
  }
  const within = hours.filter(({ at }) => at >= range.from)
  return fillBuckets(range, within, HEALTH_COUNTERS).map(({ at, attempted, bad, failed, rolledBack, crashed }) => {
    total.attempted += attempted
    total.bad += bad
    const untilThen = { attempted: total.attempted, bad: rateOf(total.bad, total.attempted) }
    return { at: timestamp(at), attempted, bad: rateOf(bad, attempted), failed, rolledBack, crashed, untilThen }
  })
}

function curveOf(range: TimeRange, hours: readonly RunningHour[], eligible: number): Adoption['points'] {
  const before = hours.filter(({ at }) => at < range.from)
  let total = before.reduce((sum, { running }) => sum + running, 0)
  const within = hours.filter(({ at }) => at >= range.from && at < range.to)
  return fillBuckets(range, within, ['running']).map(({ at, running: began }) => {
    total += began
    return {
      at: timestamp(at),
      began,
      everRan: total,
      share: eligible === 0 ? null : shareOf(total, eligible),
      running: null as number | null,
    }
  })
}
