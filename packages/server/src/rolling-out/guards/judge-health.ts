import type { GuardFigures, GuardSettings } from '@hotpatch/api'
import { wilsonBounds } from './confidence.ts'

/** Devices that attempted a release, and those of them that failed, rolled back or crashed. */
export interface HealthSample {
  sample: number
  bad: number
}

export interface HealthQuestion extends HealthSample {
  settings: Pick<GuardSettings, 'minimumSample' | 'maxBadPercent' | 'maxTimesPrevious'>
  /** The release before, if enough devices ran it. */
  previous: HealthSample | null
  /** How often this guard has looked. */
  looks: number
  /** All that attempted since the guard began, now and at the last look: `sample` is only those of the window. */
  attempted: number
  lastAttempted: number
  /** So much time went by since the last look that changed figures deserve one. */
  isOverdue: boolean
}

export type GuardCause = 'limit' | 'previous'

/** The numbers that are judged by. */
export type HealthFigures = Omit<GuardFigures, 'leftOut' | 'withoutNetwork'>

export type HealthVerdict = { figures: HealthFigures; looks: number; lastAttempted: number } & (
  | { verdict: 'too-few' | 'no-look' | 'green'; cause?: undefined }
  | { verdict: 'trip'; cause: GuardCause }
)

/** How often a guard that watches a healthy release may trip, over all its looks: half for each of its two tests. */
export const FALSE_ALARMS = 0.05
/** Fewer are never a reason, however few devices there are. */
export const MINIMUM_BAD = 3
/** So many networks alone are never the reason to trip. */
export const DISTRUSTED_NETWORKS = 3
/** A look for each tenth by which the sample grows, the newest eleventh of it: then looks rise with its logarithm. */
const NEW_PART = 11
/** About so many looks share the first half of what may be spent. */
const SPENDING = 20

/**
 * What the look with this number may be wrong with, for each test. The shares 20 ÷ ((k + 19)(k + 20)) of all looks k add up
 * to 1 and never run out: docs/decisions/0007-guard-statistics.md.
 */
export function alphaOf(look: number): number {
  return ((FALSE_ALARMS / 2) * SPENDING) / ((look + SPENDING - 1) * (look + SPENDING))
}

/** Whether a rollout goes on. Total: an answer for all numbers. */
export function judgeHealth(question: HealthQuestion): HealthVerdict {
  const { settings, isOverdue } = question
  const looks = toCount(question.looks)
  const sample = toCount(question.sample)
  const attempted = toCount(question.attempted)
  const lastAttempted = toCount(question.lastAttempted)
  const figures = readFigures({ ...question, looks: looks + 1 })
  const before = { figures, looks, lastAttempted }
  if (sample < Math.max(settings.minimumSample, 1)) return { verdict: 'too-few', ...before }
  const hasGrown = looks === 0 || (attempted - lastAttempted) * NEW_PART >= sample
  if (!hasGrown && !isOverdue) return { verdict: 'no-look', ...before }
  const after = { figures, looks: looks + 1, lastAttempted: attempted }
  const cause = findCause(figures)
  return cause ? { verdict: 'trip', cause, ...after } : { verdict: 'green', ...after }
}

/** All numbers that the look with the number `looks` decides by. */
export function readFigures({
  settings,
  sample,
  bad,
  previous,
  looks,
}: Pick<HealthQuestion, 'settings' | 'sample' | 'bad' | 'previous' | 'looks'>): HealthFigures {
  const look = Math.max(toCount(looks), 1)
  const alpha = alphaOf(look)
  const { maxBadPercent, maxTimesPrevious } = settings
  return {
    look,
    confidencePercent: 100 * (1 - alpha),
    ...shareOf({ sample, bad }, alpha),
    maxBadPercent,
    maxTimesPrevious,
    previous: previous && toCount(previous.sample) > 0 ? shareOf(previous, alpha) : null,
  }
}

/** Why these figures stop a rollout, if they do. */
export function findCause(figures: HealthFigures): GuardCause | undefined {
  const { bad, badPercent, lowerPercent, maxBadPercent, maxTimesPrevious, previous } = figures
  if (bad < MINIMUM_BAD) return undefined
  if (lowerPercent > maxBadPercent) return 'limit'
  if (maxTimesPrevious === null || previous === null) return undefined
  const isWorse = lowerPercent > previous.upperPercent && badPercent >= maxTimesPrevious * previous.badPercent
  return isWorse ? 'previous' : undefined
}

/**
 * Whether it would trip without these devices, all of them bad: else a trip hangs on whoever they are.
 * @param question of a look, as it was before
 */
export function tripsWithout(doubtful: number, question: HealthQuestion): boolean {
  const { settings, previous, looks } = question
  const [sample, bad] = [question.sample - doubtful, question.bad - doubtful]
  return findCause(readFigures({ settings, previous, sample, bad, looks: toCount(looks) + 1 })) !== undefined
}

/** How many bad devices of this sample the next look would stop at; null when no number would do. */
export function badToTrip(question: Omit<HealthQuestion, 'bad' | 'attempted' | 'lastAttempted' | 'isOverdue'>) {
  const sample = toCount(question.sample)
  const trips = (bad: number) =>
    findCause(readFigures({ ...question, sample, bad, looks: toCount(question.looks) + 1 })) !== undefined
  if (!trips(sample)) return null
  let [tooFew, enough] = [0, sample]
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2)
    if (trips(middle)) enough = middle
    else tooFew = middle
  }
  return enough
}

function shareOf(given: HealthSample, alpha: number) {
  const sample = toCount(given.sample)
  // A device of before the window's start may still turn bad within it.
  const bad = Math.min(toCount(given.bad), sample)
  const { lower, upper } = wilsonBounds(bad, sample, alpha)
  return {
    sample,
    bad,
    badPercent: sample === 0 ? 0 : (100 * bad) / sample,
    lowerPercent: 100 * lower,
    upperPercent: 100 * upper,
  }
}

function toCount(value: number): number {
  return value > 0 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : 0
}
