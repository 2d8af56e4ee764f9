import type { GuardTrip, RolloutPlanStatus } from '@hotpatch/api'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { PlanService } from '../../rolling-out/plans/plan-service.ts'
import type { RolloutRow } from '../../rolling-out/rollouts/rollout-service.ts'
import type { AttentionQuestion, FoundItem } from './attention-item.ts'
import {
  hasLaterRelease,
  listOpenProposals,
  listPlansUnderWay,
  listTrippedGuards,
  type TrippedRow,
} from './attention-queries.ts'

/** After that, whoever has not looked at a roll-back will not. */
const ROLLED_BACK_SHOWN_MS = 14 * DAY_MS
/** Whom a step waits for checks at least once a day. */
const STUCK_AFTER_MS = DAY_MS
/** Each is asked how far it has come. */
const MAX_PLANS = 50

/** Guards that have acted, until a person has dealt with it. */
export async function findTrippedGuards(
  db: Database,
  { appIds, now }: AttentionQuestion,
): Promise<readonly FoundItem[]> {
  const rows = await listTrippedGuards(db, appIds, now - ROLLED_BACK_SHOWN_MS)
  const items: FoundItem[] = []
  for (const row of rows) {
    const isOver = row.state === 'halted'
    const trip = row.figures === null ? null : (JSON.parse(row.figures) as GuardTrip)
    // Such a guard halts nothing: a person did, and has dealt with it.
    if (isOver && trip && trip.action !== 'roll-back') continue
    if (isOver && (await hasLaterRelease(db, row, row.tripped_at ?? 0))) continue
    items.push(isOver ? rolledBack(row, trip) : tripped(row, trip))
  }
  return items
}

function tripped(row: TrippedRow, trip: GuardTrip | null): FoundItem {
  const isPaused = row.state === 'paused'
  const effect = isPaused ? 'It is paused: nobody else gets it.' : 'It goes on: the guard only says so.'
  return {
    ...subjectOf(row),
    kind: 'guard-tripped',
    severity: 'critical',
    since: row.tripped_at ?? 0,
    explanation: `The guard of ${placeOf(row)} tripped: ${figuresOf(trip)}. ${effect}`,
    remedy: isPaused
      ? 'Look at what failed. Roll back, or halt it and publish a mended release; resume it if this was not its fault.'
      : 'Look at what failed. Pause it or roll back; rearm the guard if this was not its fault.',
    facts: { ...factsOf(row, trip), state: row.state },
  }
}

function rolledBack(row: TrippedRow, trip: GuardTrip | null): FoundItem {
  const backTo = trip?.backTo?.version ?? 'what the binary shipped with'
  return {
    ...subjectOf(row),
    kind: 'guard-rolled-back',
    severity: 'warning',
    since: row.tripped_at ?? 0,
    explanation: `The guard of ${placeOf(row)} tripped and went back to ${backTo}: ${figuresOf(trip)}.`,
    remedy: 'Find out what failed, and publish a mended release.',
    facts: { ...factsOf(row, trip), backTo },
  }
}

function figuresOf(trip: GuardTrip | null): string {
  if (!trip) return 'its figures are not known any more'
  const { bad, sample } = trip.figures
  return `${bad} of ${sample} devices that tried it failed, rolled back or crashed`
}

function factsOf({ platform, channel }: TrippedRow, trip: GuardTrip | null): FoundItem['facts'] {
  return { platform, channel, ...(trip && { bad: trip.figures.bad, sample: trip.figures.sample }) }
}

/** What somebody proposed for a protected channel: until another person has decided, it reaches nobody. */
export async function findOpenProposals(db: Database, { appIds }: AttentionQuestion): Promise<readonly FoundItem[]> {
  const rows = await listOpenProposals(db, appIds)
  return rows.map(({ proposal_id, proposed_at, proposed_by, ...row }) => ({
    ...subjectOf(row),
    kind: 'proposal-waiting',
    severity: 'warning',
    subject: { kind: 'proposal', id: proposal_id, name: row.version ?? 'embedded' },
    since: proposed_at,
    explanation: `${proposed_by} proposed a change of ${placeOf(row)}, which waits for a second person.`,
    remedy: 'Look at it, and approve or reject it.',
    facts: { platform: row.platform, channel: row.channel, by: proposed_by },
    address: `apps/${row.slug}/proposals`,
  }))
}

/** Plans that will not go on by themselves. */
export async function findStuckPlans(
  db: Database,
  { appIds, now }: AttentionQuestion,
  { plans, getRollout }: { plans: Pick<PlanService, 'getStatus'>; getRollout: (id: string) => Promise<RolloutRow> },
): Promise<readonly FoundItem[]> {
  const rows = await listPlansUnderWay(db, appIds, now - HOUR_MS, MAX_PLANS)
  const items: FoundItem[] = []
  for (const row of rows) {
    const status = await plans.getStatus(await getRollout(row.id))
    const since = stuckSince(status, now)
    if (since === undefined || !status.waitsFor) continue
    items.push({
      ...subjectOf(row),
      kind: 'plan-stuck',
      severity: 'warning',
      since,
      explanation: `The plan of ${placeOf(row)} does not go on. ${status.waitsFor.explanation}`,
      remedy: 'Advance the plan by hand if you know that the release is good, or halt the rollout.',
      facts: {
        platform: row.platform,
        channel: row.channel,
        percentage: status.percentage,
        for: status.waitsFor.for,
        tried: status.attempted,
        missing: status.waitsFor.missing ?? 0,
      },
    })
  }
  return items
}

/** Since it waits for devices that do not come, or for a window that does not open. */
function stuckSince({ waitsFor, steps, step, stepStartedAt }: RolloutPlanStatus, now: number): number | undefined {
  if (!waitsFor || waitsFor.until !== null || stepStartedAt === null) return undefined
  const baked = Date.parse(stepStartedAt) + (steps[step - 1]?.bakeMinutes ?? 0) * MINUTE_MS
  if (waitsFor.for === 'window') return baked
  return waitsFor.for === 'sample' && now - baked >= STUCK_AFTER_MS ? baked : undefined
}

function subjectOf({ id, app_id, slug, version }: Omit<TrippedRow, 'tripped_at' | 'figures'>) {
  return {
    app_id,
    slug,
    subject: { kind: 'rollout', id, name: version ?? 'embedded' },
    address: `apps/${slug}/rollouts/${id}`,
  }
}

function placeOf({ version, platform, channel }: Pick<TrippedRow, 'version' | 'platform' | 'channel'>): string {
  return `${version ?? 'embedded'} on ${channel} (${platform})`
}
