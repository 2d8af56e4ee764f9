import { CONTENT_KINDS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { BelievedDevices } from './trust.ts'
import {
  ChannelName,
  EventsNotKept,
  Id,
  Nullable,
  OneOf,
  Percentage,
  PlatformName,
  Timestamp,
} from './shared-schemas.ts'

export const BUCKETS = ['hour', 'day', 'week', 'month'] as const

/** How much of a time one point of a series stands for: UTC, weeks from Monday. */
export const Bucket = OneOf(BUCKETS, { description: `One of ${BUCKETS.join(', ')}` })
export type Bucket = (typeof BUCKETS)[number]

/** How far back one question may reach. */
export const MAX_INSIGHT_DAYS = 400
/** Of a series. */
export const MAX_INSIGHT_POINTS = 2000

const place = {
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
}
const format = {
  format: Type.Optional(OneOf(['json', 'csv'], { description: '`Accept: text/csv` does the same as csv' })),
}

const times = {
  from: Type.Optional({ ...Timestamp, description: 'Seven days before `to` when absent; at most 400 days' }),
  to: Type.Optional({ ...Timestamp, description: 'Now when absent' }),
  bucket: Type.Optional({
    ...Bucket,
    description: 'Hours up to two days, else days; a series has at most 2000 points',
  }),
}

/** From whole hours: that of `from`, to before `to`. */
export const InsightQuery = Type.Object({ ...times, ...place, ...format }, { additionalProperties: false })
export type InsightQuery = Static<typeof InsightQuery>

/** Of what is about an app, or a rollout, as a whole. */
export const WholeInsightQuery = Type.Object({ ...times, ...format }, { additionalProperties: false })
export type WholeInsightQuery = Static<typeof WholeInsightQuery>

const Count = Type.Integer({ minimum: 0 })
const Share = Type.Number({ minimum: 0, maximum: 1, description: '0 to 1' })

const range = { from: Timestamp, to: Timestamp, bucket: Bucket }

const ActiveCount = Type.Object({
  devices: Type.Integer({ description: 'Seen in the 24 hours, 7 days or 30 days before now' }),
  lastFull: Type.Integer({ description: 'Of the last calendar day, week or month that is over' }),
  before: Type.Integer({ description: 'Of the one before that' }),
  trend: Nullable(Type.Number({ description: 'What `lastFull` is more, or less, than `before`: 0.1 is a tenth more' })),
})

/** How an app's fleet is now. */
export const Overview = Type.Object({
  at: Timestamp,
  ...range,
  active: Type.Object({ day: ActiveCount, week: ActiveCount, month: ActiveCount }),
  known: Type.Integer({ description: 'Devices that the server knows, gone ones too' }),
  gone: Type.Integer({ description: 'Not seen for so long that they count as uninstalled' }),
  new: Type.Integer({ description: 'First seen in the time asked for' }),
  checks: Type.Object({
    total: Type.Integer({ description: 'In the time asked for' }),
    perMinute: Type.Number({ description: 'Of the last two hours' }),
  }),
  downloads: Type.Object({ count: Count, sentBytes: Count }),
  eventsNotKept: EventsNotKept,
  droppedSinceStart: Type.Integer({ description: 'Notes and counts that this server left out under overload' }),
})
export type Overview = Static<typeof Overview>

/** Devices that showed themselves in each bucket: one that does in two is in both, so buckets do not add up. */
export const ActiveDevices = Type.Object({
  ...range,
  points: Type.Array(Type.Object({ at: Timestamp, devices: Count })),
})
export type ActiveDevices = Static<typeof ActiveDevices>

/** Stands for all versions that are not among the most frequent ones. */
export const OTHER_VERSIONS = '(others)'
/** Stands for what devices run of which the server knows nothing. */
export const UNKNOWN_VERSION = '(unknown)'

const VersionName = Nullable(Type.String({ description: 'Null: what the binary shipped with' }))

/**
 * What devices run. `now` are all that are not gone; `points` those that were active in the bucket, one number for each
 * of `versions`.
 */
export const VersionDistribution = Type.Object({
  ...range,
  now: Type.Array(Type.Object({ version: VersionName, devices: Count, share: Share })),
  versions: Type.Array(VersionName),
  points: Type.Array(Type.Object({ at: Timestamp, devices: Type.Array(Count) })),
})
export type VersionDistribution = Static<typeof VersionDistribution>

/** A part of those who attempted a release, with its two-sided 95 % confidence interval (Wilson). */
export const Rate = Type.Object({
  devices: Count,
  share: Nullable(Share),
  low: Nullable(Share),
  high: Nullable(Share),
})
export type Rate = Static<typeof Rate>

const healthFigures = {
  attempted: Type.Integer({ description: 'Devices that tried it: they alone say something about its health' }),
  succeeded: { ...Rate, description: 'Confirmed it, or were seen running it' },
  bad: { ...Rate, description: 'Failed, rolled back or crashed' },
  failed: Rate,
  rolledBack: Rate,
  crashed: Rate,
  believed: { ...BelievedDevices, description: 'Of these, whom guards and plans believe' },
}

const reachFigures = {
  offered: Count,
  downloaded: Count,
  downloadFailed: Count,
  applied: Count,
  confirmed: Count,
  running: Type.Integer({ description: 'Run it now, and are not gone' }),
  everRan: Type.Integer({ description: 'Were seen running it at some time, those that have left it too' }),
  stuck: Type.Integer({ description: 'Offered it, never tried it, and no news of it for 24 hours' }),
}

/**
 * What was downloaded. `downloads` and `sentBytes` are what the servers sent, not a CDN; `told…` what devices said that
 * they took. `savedBytes` is the full size of what they told of, less what they took: null when none told.
 */
const toldFigures = {
  toldDownloads: Count,
  toldBytes: Count,
  fullBytes: Type.Integer({ description: 'Whole size of the releases, as often as devices told of a download' }),
  savedBytes: Nullable(Type.Integer()),
}
const downloadFigures = { downloads: Count, sentBytes: Count, ...toldFigures }

/** What patches did, as devices told: nothing is decided by it. */
export const PatchFigures = Type.Object({
  tried: Type.Integer({ description: 'Downloads that began with a patch: `patched`, `packed` and `fellBack`' }),
  patched: Type.Integer({ description: 'Came as a patch of what the device ran' }),
  patchedBytes: Count,
  packed: Type.Integer({ description: 'Came packed, as a patch of nothing' }),
  packedBytes: Count,
  fellBack: Type.Integer({ description: 'Of either something was wrong, and the whole followed' }),
  savedBytes: Type.Integer({ description: 'Whole size of what came patched or packed, less what came of it' }),
})
export type PatchFigures = Static<typeof PatchFigures>

const placedRollout = {
  rolloutId: Id,
  releaseId: Nullable(Id),
  version: VersionName,
  platform: PlatformName,
  channel: Type.String(),
  state: Type.String(),
}

const ReasonCounts = Type.Array(
  Type.Object({
    reason: Type.String(),
    explanation: Type.String({ description: 'The reason in a sentence' }),
    devices: Count,
  }),
)

/**
 * Of the known devices whom the rollout is for, by the rules that answer checks. Counted at most five minutes ago. Of a
 * device for which several things hold only the first counts, in the order of `refuse` and `needOtherBinary`; one that
 * tried it, or runs it, is in neither.
 */
export const RolloutTakers = Type.Object({
  audience: Type.Integer({ minimum: 0, description: 'Whom it is for, at the percentage that it is at' }),
  canTake: Type.Integer({ minimum: 0, description: 'Of these, those that run it, have tried it, or would take it' }),
  left: Type.Integer({ minimum: 0, description: 'Of these, those that would be offered it and have not tried it' }),
  refuse: {
    ...ReasonCounts,
    description: 'Of the audience, those that would refuse it (Decision, D11): also while it is paused. Most first',
  },
  needOtherBinary: {
    ...ReasonCounts,
    description: 'The others whose binary does not meet what the release requires (D3). Most first',
  },
  untold: Type.Integer({
    minimum: 0,
    description: 'Of the audience, those that never told which keys and sequences they take: they may refuse it, too',
  }),
  judged: Type.Integer({ minimum: 0, description: "The app's devices that were looked at" }),
  isSample: Type.Boolean({ description: 'There are more devices: all figures here are of those that were looked at' }),
  countedAt: Timestamp,
})
export type RolloutTakers = Static<typeof RolloutTakers>

/**
 * How a rollout spreads. `running` is now; `everRan`, the milestones and the curve are how far it ever came. The
 * eligible audience is the number of known devices of its platform and channel that are not gone, times its percentage
 * and slice. Attribute rules cannot be counted: with them it is the devices that were reached. It is never fewer than
 * were reached.
 */
export const Adoption = Type.Object({
  ...range,
  eventsNotKept: EventsNotKept,
  ...placedRollout,
  percentage: Percentage,
  startedAt: Nullable(Timestamp),
  eligible: Type.Object({
    devices: Count,
    basis: Type.Union([Type.Literal('known'), Type.Literal('percentage'), Type.Literal('reached')]),
  }),
  takers: { ...Nullable(RolloutTakers), description: 'Null when it cannot be said now: ask again' },
  ...reachFigures,
  ...healthFigures,
  downloads: Type.Object(
    { ...toldFigures, patches: PatchFigures },
    { description: 'As devices told, since the rollout began' },
  ),
  share: Nullable({ ...Share, description: 'Of the eligible audience, what runs it now' }),
  reached: Type.Array(
    Type.Object({
      share: Share,
      at: Nullable(Timestamp),
      seconds: Nullable(Type.Integer({ description: 'From the start; within its hour estimated' })),
    }),
  ),
  points: Type.Array(
    Type.Object({
      at: Timestamp,
      began: Type.Integer({ description: 'Devices that ran it for the first time' }),
      everRan: Type.Integer({ description: 'Those of them until the end of the bucket, whatever they run since' }),
      share: Nullable({ ...Share, description: '`everRan` of the eligible audience' }),
      running: Nullable(Type.Integer({ description: 'Run it now: null in every bucket but the one that is now' })),
    }),
  ),
})
export type Adoption = Static<typeof Adoption>

const rates = { attempted: Count, bad: Rate }

/** How devices fared with a rollout over time, whether guards believe them or not: the guard says whom it does. */
export const RolloutHealth = Type.Object({
  ...range,
  ...placedRollout,
  points: Type.Array(
    Type.Object({
      at: Timestamp,
      ...rates,
      failed: Count,
      rolledBack: Count,
      crashed: Count,
      untilThen: { ...Type.Object(rates), description: 'Of all since it began, up to the end of the bucket' },
    }),
  ),
})
export type RolloutHealth = Static<typeof RolloutHealth>

/** Of releases that something happened to in the time asked for: their figures since they were placed. */
export const ReleaseHealth = Type.Object({
  from: Timestamp,
  to: Timestamp,
  eventsNotKept: EventsNotKept,
  releases: Type.Array(
    Type.Object({
      releaseId: Nullable(Id),
      version: VersionName,
      platform: PlatformName,
      ...healthFigures,
      rollouts: Type.Array(Type.Object({ ...placedRollout, experimentId: Nullable(Id), ...healthFigures })),
    }),
  ),
})
export type ReleaseHealth = Static<typeof ReleaseHealth>

export const Downloads = Type.Object({
  ...range,
  eventsNotKept: EventsNotKept,
  ...downloadFigures,
  patches: PatchFigures,
  releases: Type.Array(
    Type.Object({
      releaseId: Id,
      version: Type.String(),
      platform: PlatformName,
      sizeBytes: Count,
      ...downloadFigures,
      patches: PatchFigures,
    }),
  ),
  points: Type.Array(
    Type.Object({
      at: Timestamp,
      downloads: Count,
      sentBytes: Count,
      toldBytes: Count,
      fullBytes: Count,
      patchSavedBytes: Type.Integer({ description: '`savedBytes` of `patches`' }),
    }),
  ),
})
export type Downloads = Static<typeof Downloads>

export const Checks = Type.Object({
  ...range,
  total: Count,
  points: Type.Array(Type.Object({ at: Timestamp, checks: Count, perMinute: Type.Number({ minimum: 0 }) })),
})
export type Checks = Static<typeof Checks>

/** Why checks were answered with no update, most frequent first. */
export const Reasons = Type.Object({
  from: Timestamp,
  to: Timestamp,
  checks: Type.Integer({ description: 'All that were answered' }),
  refusals: Type.Integer({ description: 'Those of them that got no update' }),
  reasons: Type.Array(
    Type.Object({
      decision: Type.String(),
      reason: Type.String(),
      checks: Count,
      share: Type.Number({ description: 'Of the refusals, 0 to 1' }),
      explanation: Type.String({ description: 'The reason in a sentence' }),
    }),
  ),
})
export type Reasons = Static<typeof Reasons>

/** How one rollout does. */
export const ArmFigures = Type.Object({ ...placedRollout, ...reachFigures, ...healthFigures })
export type ArmFigures = Static<typeof ArmFigures>

/** An arm held against the first one, by the share of believed devices on which it went badly. */
export const ArmComparison = Type.Object({
  arm: Type.String(),
  comparedWith: Type.String(),
  confidencePercent: Type.Number({ description: 'Of the interval: 95 of all comparisons together' }),
  difference: Nullable(Type.Number({ description: '0.01: one device in a hundred more. Null: too few tried either' })),
  low: Nullable(Type.Number()),
  high: Nullable(Type.Number()),
  conclusion: OneOf(['better', 'worse', 'undecided', 'too-few'], {
    description: 'better, worse: the whole interval is on one side of no difference',
  }),
})
export type ArmComparison = Static<typeof ArmComparison>

/** An A/B test: its arms side by side. */
export const ExperimentResults = Type.Object({
  experimentId: Id,
  name: Type.String(),
  arms: Type.Array(Type.Object({ arm: Type.String(), weight: Percentage, ...ArmFigures.properties })),
  comparisons: Type.Array(ArmComparison),
})
export type ExperimentResults = Static<typeof ExperimentResults>

export const ReleaseFiguresQuery = Type.Object({
  kind: OneOf(CONTENT_KINDS, { description: 'Of their content' }),
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
})
export type ReleaseFiguresQuery = Static<typeof ReleaseFiguresQuery>

/** Of releases of one kind, in devices, since they were placed. */
export const ReleaseFigures = Type.Object({
  releases: Type.Array(
    Type.Object({
      releaseId: Id,
      version: Type.String(),
      platform: PlatformName,
      downloaded: Count,
      attempted: Count,
      succeeded: Count,
      bad: Type.Integer({ description: 'Of those that attempted it' }),
      rolledBack: Count,
    }),
    { description: 'The 500 newest that reached somebody, newest first' },
  ),
})
export type ReleaseFigures = Static<typeof ReleaseFigures>
