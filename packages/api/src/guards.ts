import { Type, type Static } from 'typebox'
import { Id, Nullable, Timestamp } from './shared-schemas.ts'
import { LeftOutDevices } from './trust.ts'

/** What a guard does when it trips: say so, pause the rollout, or halt it and go back to the release before. */
export const GuardAction = Type.Union([Type.Literal('notify'), Type.Literal('pause'), Type.Literal('roll-back')])
export type GuardAction = Static<typeof GuardAction>

const settings = {
  isOn: Type.Boolean(),
  action: GuardAction,
  minimumSample: Type.Integer({
    minimum: 10,
    maximum: 1_000_000,
    description: 'Devices that must have attempted the release before anything is concluded',
  }),
  windowHours: Type.Integer({
    minimum: 1,
    maximum: 720,
    description: 'Devices that attempted it longer ago do not count',
  }),
  maxBadPercent: Type.Number({
    exclusiveMinimum: 0,
    maximum: 100,
    description: 'Of the devices that attempted it: how many may fail, roll back or crash',
  }),
  maxTimesPrevious: Nullable(
    Type.Number({
      minimum: 1,
      maximum: 1000,
      description: 'How many times the rate of the release before it is too much; null: not compared',
    }),
  ),
}

/** How a guard judges its rollout. */
export const GuardSettings = Type.Object(settings)
export type GuardSettings = Static<typeof GuardSettings>

/** What every rollout gets when neither its app nor who places it says otherwise. */
export const DEFAULT_GUARD: GuardSettings = {
  isOn: true,
  action: 'pause',
  minimumSample: 50,
  windowHours: 24,
  maxBadPercent: 5,
  maxTimesPrevious: 2,
}

/** What differs from the defaults. */
export const GuardDifferences = Type.Partial(GuardSettings, { additionalProperties: false })
export type GuardDifferences = Static<typeof GuardDifferences>

/** For a new rollout, or as an app's own default. */
export const GuardChoice = Type.Union([Type.Literal('off'), GuardDifferences])
export type GuardChoice = Static<typeof GuardChoice>

/** `tripped`: it has acted, and acts again only after a person has rearmed it. `over`: its rollout has ended. */
export const GuardState = Type.Union([Type.Literal('watching'), Type.Literal('tripped'), Type.Literal('over')])
export type GuardState = Static<typeof GuardState>

const share = {
  sample: Type.Integer({ description: 'Devices that attempted it' }),
  bad: Type.Integer({ description: 'Of these, how many failed, rolled back or crashed' }),
  badPercent: Type.Number(),
  lowerPercent: Type.Number({ description: 'It is hardly better than this' }),
  upperPercent: Type.Number({ description: 'It is hardly worse than this' }),
}

/** The numbers that a look decides by. */
export const GuardFigures = Type.Object({
  look: Type.Integer({ description: 'Its number: each look is a chance to be wrong, and demands more certainty' }),
  confidencePercent: Type.Number({ description: 'Of each bound, one-sided' }),
  ...share,
  maxBadPercent: Type.Number(),
  maxTimesPrevious: Nullable(Type.Number()),
  previous: Nullable(Type.Object(share)),
  withoutNetwork: Type.Integer({ description: 'Of the sample: from an address that names no network' }),
  leftOut: { ...LeftOutDevices, description: 'Who says that they attempted it, and is not believed' },
})
export type GuardFigures = Static<typeof GuardFigures>

export const GuardTrip = Type.Object({
  at: Timestamp,
  cause: Type.Union([Type.Literal('limit'), Type.Literal('previous')]),
  action: GuardAction,
  figures: GuardFigures,
  /** Of the roll-back, if it took one. */
  rolloutId: Nullable(Id),
  /** Where the roll-back goes, if it took one. */
  backTo: Nullable(
    Type.Object({
      version: Nullable(Type.String({ description: 'Null: what the binary shipped with' })),
      sequence: Nullable(Type.Integer({ description: 'Of the statement that was prepared; null: nobody prepared it' })),
    }),
  ),
  /** At most 10. Newer releases that the roll-back does not go to, newest first, and why. */
  passedOver: Type.Array(
    Type.Object({
      version: Type.String(),
      reason: Type.Union([
        Type.Literal('rolled-back-from'),
        Type.Literal('taken-back'),
        Type.Literal('not-in-force'),
        Type.Literal('for-some'),
        Type.Literal('not-prepared'),
      ]),
    }),
  ),
})
export type GuardTrip = Static<typeof GuardTrip>

/** Where a guard would go back to. */
export const GuardTarget = Type.Object({
  releaseId: Id,
  version: Type.String(),
  isPrepared: Type.Boolean({ description: 'Whether its publisher signed it in advance' }),
})

/** A guard, and what it sees now. */
export const Guard = Type.Object({
  rolloutId: Id,
  state: GuardState,
  settings: GuardSettings,
  watchedSince: Timestamp,
  looks: Type.Integer(),
  figures: GuardFigures,
  toTrip: Nullable(Type.Integer({ description: 'Bad devices of this sample at which the next look would trip' })),
  goesBackTo: Nullable(GuardTarget),
  prepared: Type.Array(
    Type.Object({
      version: Nullable(Type.String({ description: 'Null: what the binary shipped with' })),
      sequence: Type.Integer(),
    }),
    { description: 'Steps back that its publisher signed in advance, nearest first' },
  ),
  trip: Nullable(GuardTrip),
})
export type Guard = Static<typeof Guard>

export const GuardChanges = Type.Partial(GuardSettings, { additionalProperties: false, minProperties: 1 })
export type GuardChanges = Static<typeof GuardChanges>
