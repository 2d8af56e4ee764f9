import { Type, type Static } from 'typebox'
import { DisplayName } from './display-name.ts'
import { ChannelName, Id, Nullable, Percentage, PlatformName, Timestamp } from './shared-schemas.ts'

const ArmName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$' })
const ExperimentName = DisplayName()

/** Hundredths of a percent keep the arms exact. */
const Weight = { ...Percentage, minimum: 0.01, description: 'Percent of those who take part; all arms make 100' }

/** Base64. */
const Restated = {
  statement: Type.Optional(Type.String({ maxLength: 131_072 })),
  statementSignature: Type.Optional(Type.String({ maxLength: 1_024 })),
}

/** One side of an A/B test: an ordinary rollout, to a part of those who take part. */
export const ExperimentArm = Type.Object({
  name: ArmName,
  weight: Weight,
  rolloutId: Id,
  releaseId: Id,
  version: Type.String(),
})
export type ExperimentArm = Static<typeof ExperimentArm>

/** An A/B test: two or more releases on one channel, split between arms by the device's id. */
export const Experiment = Type.Object({
  id: Id,
  appId: Id,
  platform: PlatformName,
  channel: Type.String(),
  name: ExperimentName,
  state: Type.Union([Type.Literal('running'), Type.Literal('finished')]),
  percentage: Percentage,
  arms: Type.Array(ExperimentArm),
  winner: Nullable(ArmName),
  createdAt: Timestamp,
  createdBy: Type.String(),
  finishedAt: Nullable(Timestamp),
})
export type Experiment = Static<typeof Experiment>

/** Its release may come stated again (Signing §6), so that devices that run something newer take it, too. */
const NewArm = Type.Object(
  { name: ArmName, weight: Weight, releaseId: Id, ...Restated },
  { additionalProperties: false },
)

export const NewExperiment = Type.Object(
  {
    name: ExperimentName,
    channel: ChannelName,
    percentage: Type.Optional({ ...Percentage, minimum: 0.01, default: 100 }),
    arms: Type.Array(NewArm, { minItems: 2, maxItems: 10 }),
  },
  { additionalProperties: false },
)
export type NewExperiment = Static<typeof NewExperiment>

/** Ends it: the winner's release goes to all, or without one everybody goes back to what lies below. */
export const ExperimentEnd = Type.Object(
  {
    winner: Nullable(ArmName),
    ...Restated,
  },
  { additionalProperties: false },
)
export type ExperimentEnd = Static<typeof ExperimentEnd>
