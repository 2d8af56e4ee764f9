import { CONTENT_KINDS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { AttributeRules, AudienceSlice, CohortNames, ForcedDevices } from './audience.ts'
import { GuardAction, GuardChoice, GuardState, GuardTrip } from './guards.ts'
import { RolloutPlan } from './plans.ts'
import { ReleaseVersion } from './releases.ts'
import {
  Base64,
  ChannelName,
  Id,
  LabelNumber,
  MandatoryBelow,
  Nullable,
  OneOf,
  Paused,
  Percentage,
  PlatformName,
  Timestamp,
} from './shared-schemas.ts'

export const RolloutState = Type.Union([
  Type.Literal('active'),
  Type.Literal('paused'),
  Type.Literal('halted'),
  Type.Literal('withdrawn'),
])

/** Mutable policy: places one release, or what the binary shipped with, on one channel. */
export const Rollout = Type.Object({
  id: Id,
  appId: Id,
  platform: PlatformName,
  channel: Type.String(),
  position: Type.Integer(),
  target: Type.Union([Type.Literal('release'), Type.Literal('embedded')]),
  releaseId: Nullable(Id),
  version: Nullable(Type.String()),
  state: RolloutState,
  awaitsApproval: Type.Optional(Type.Boolean({ description: 'Placed, and paused until a second person approves it' })),
  startsAt: Nullable(Timestamp),
  mandatory: Type.Boolean(),
  mandatoryBelow: Nullable(Type.String({ description: 'Also mandatory for shells below this native version' })),
  percentage: Percentage,
  devices: Type.Array(Type.String()),
  cohorts: Type.Array(Type.String()),
  rules: AttributeRules,
  slice: Nullable(AudienceSlice),
  experimentId: Nullable(Id),
  salt: Type.String(),
  buckets: Type.Integer({ description: '10000, or 100 for the React Native contract’s original rule' }),
  drawing: Type.Optional(
    Type.Literal('code-push', {
      description: 'By CodePush’s own rule, whose salt is the label; else by the number of buckets',
    }),
  ),
  /** What watches it; null: nothing does. */
  guard: Nullable(Type.Object({ state: GuardState, isOn: Type.Boolean(), action: GuardAction })),
  /** What widens it by itself; null: nothing does. */
  plan: Nullable(
    Type.Object({
      state: OneOf(['running', 'finished']),
      step: Type.Integer({ description: 'From 1' }),
      steps: Type.Integer({ description: 'How many there are' }),
    }),
  ),
  sequence: Nullable(Type.Integer({ description: 'Of its own statement, when a roll-back was signed' })),
  labelNumber: Nullable(LabelNumber),
  /** Told where rollouts are listed and shown. */
  coveredBy: Type.Optional(
    Nullable(
      Type.Object(
        { rolloutId: Id, position: Type.Integer(), version: Nullable(Type.String()) },
        {
          description:
            'A newer rollout that is in force for everybody whom this one is for: this one reaches only devices that ' +
            'cannot take the newer one. `version` is null for what the binary shipped with',
        },
      ),
    ),
  ),
  revision: Type.Integer({ description: 'Rises with every change' }),
  createdAt: Timestamp,
  createdBy: Type.String(),
  updatedAt: Timestamp,
})
export type Rollout = Static<typeof Rollout>

/** Where it is given and is not the rollout's any more, nothing is done: somebody else has changed it meanwhile. */
const seen = { revision: Type.Optional(Type.Integer({ minimum: 1, description: '`revision` as the caller saw it' })) }

export const SeenRevision = Type.Object(seen)
export type SeenRevision = Static<typeof SeenRevision>

const restatement = {
  statement: Type.Optional(Base64),
  statementSignature: Type.Optional(Base64),
}

const dryRun = Type.Optional(
  Type.Boolean({
    description: 'Answers as if it were done, or with what is wrong, and changes nothing; 200 instead of 201',
  }),
)

/**
 * What was before, stated again under sequences above all others: where the guard may go back to. First the release
 * before, then the one before that, or embedded when there is none.
 */
const StepsBack = Type.Array(
  Type.Object({ statement: Base64, statementSignature: Base64 }, { additionalProperties: false }),
  { maxItems: 2 },
)

/** Places a release that exists on a channel: a promotion. One that is older than the newest is stated again, signed. */
export const NewRollout = Type.Object(
  {
    releaseId: Id,
    channel: ChannelName,
    percentage: Type.Optional({ ...Percentage, description: '100 when neither this nor a plan is given' }),
    plan: Type.Optional(RolloutPlan),
    mandatory: Type.Optional(Type.Boolean({ default: false })),
    mandatoryBelow: Type.Optional(MandatoryBelow),
    startsAt: Type.Optional(Timestamp),
    paused: Type.Optional(Paused),
    devices: Type.Optional(ForcedDevices),
    cohorts: Type.Optional(CohortNames),
    rules: Type.Optional(AttributeRules),
    guard: Type.Optional(GuardChoice),
    prepared: Type.Optional(StepsBack),
    labelNumber: Type.Optional(LabelNumber),
    ...restatement,
    dryRun,
  },
  { additionalProperties: false },
)
export type NewRollout = Static<typeof NewRollout>

/** A new rollout, on top, of an older release of the channel or of what the binary shipped with. */
export const NewRollback = Type.Object(
  {
    platform: PlatformName,
    channel: ChannelName,
    to: Type.Union([
      Type.Object({ version: ReleaseVersion }, { additionalProperties: false }),
      Type.Object({ releaseId: Id }, { additionalProperties: false }),
      Type.Literal('embedded'),
    ]),
    percentage: Type.Optional({ ...Percentage, description: '100 when neither this nor a plan is given' }),
    plan: Type.Optional(RolloutPlan),
    mandatory: Type.Optional(Type.Boolean({ default: false })),
    startsAt: Type.Optional(Timestamp),
    paused: Type.Optional(Paused),
    devices: Type.Optional(ForcedDevices),
    cohorts: Type.Optional(CohortNames),
    rules: Type.Optional(AttributeRules),
    /** As with `NewRollout`; what was rolled back from is no way back. */
    guard: Type.Optional(GuardChoice),
    prepared: Type.Optional(StepsBack),
    ...restatement,
    dryRun,
  },
  { additionalProperties: false },
)
export type NewRollback = Static<typeof NewRollback>

export const RolloutChanges = Type.Object(
  {
    percentage: Type.Optional(Percentage),
    mandatory: Type.Optional(Type.Boolean()),
    mandatoryBelow: Type.Optional(Nullable(MandatoryBelow)),
    startsAt: Type.Optional(Nullable(Timestamp)),
    devices: Type.Optional(ForcedDevices),
    addDevices: Type.Optional({
      ...ForcedDevices,
      description: 'To the devices that it names, whoever else adds some',
    }),
    removeDevices: Type.Optional({ ...ForcedDevices, description: 'From the devices that it names' }),
    cohorts: Type.Optional(CohortNames),
    rules: Type.Optional(AttributeRules),
    ...seen,
  },
  { additionalProperties: false, minProperties: 1 },
)
export type RolloutChanges = Static<typeof RolloutChanges>

/** What was done to a rollout, once, by somebody: of the audit log, for whoever may see the rollout. */
export const RolloutDeed = Type.Object({
  id: Id,
  at: Timestamp,
  action: Type.String({ description: 'Such as rollout.paused, guard.tripped or guard.changed' }),
  by: Type.String(),
  byKind: Type.String({ description: 'person, token, server, guard or plan' }),
  changes: Type.Array(Type.Object({ field: Type.String(), before: Type.Unknown(), after: Type.Unknown() }), {
    description: 'What it changed, by the names of the API; of forced devices only how many there are',
  }),
  trip: Type.Optional(Type.Unsafe<GuardTrip>({ description: 'Of a guard that tripped: its figures, and what it did' })),
})
export type RolloutDeed = Static<typeof RolloutDeed>

/** What devices of a channel are offered now, platform by platform. */
export const InForce = Type.Object({
  items: Type.Array(
    Type.Object({
      platform: PlatformName,
      rollouts: Type.Array(Rollout, {
        description: 'Newest first, down to the newest that is for everybody; at most 20',
      }),
      reachesAll: Type.Boolean({ description: 'Whether the last of them is for everybody' }),
    }),
  ),
})
export type InForce = Static<typeof InForce>

/** What came of going back from a rollout to what was before it. */
export const SteppedBack = Type.Object({
  rollout: Rollout,
  placed: Nullable({
    ...Rollout,
    description: 'Null: halting was enough, or only what the binary shipped with was before',
  }),
  passedOver: GuardTrip.properties.passedOver,
})
export type SteppedBack = Static<typeof SteppedBack>

export const RolloutFilter = Type.Object({
  platform: Type.Optional(PlatformName),
  channel: Type.Optional(ChannelName),
  state: Type.Optional(RolloutState),
  releaseId: Type.Optional(Id),
  kind: Type.Optional(
    OneOf(CONTENT_KINDS, { description: 'Of the content of its release; what leads to embedded is of every kind' }),
  ),
})
export type RolloutFilter = Static<typeof RolloutFilter>
