import { Type, type Static } from 'typebox'
import { Id, Nullable, OneOf, Percentage, Timestamp } from './shared-schemas.ts'

export const MAX_PLAN_STEPS = 20
export const MAX_PLAN_WINDOWS = 14
/** 90 days. */
export const MAX_BAKE_MINUTES = 129_600

/** A share of the devices, and what must come before the next one. */
export const PlanStep = Type.Object(
  {
    percentage: Percentage,
    bakeMinutes: Type.Number({
      minimum: 0,
      maximum: MAX_BAKE_MINUTES,
      description: 'How long it stays here at least; a part of a minute is possible',
    }),
    minimumSample: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Devices that must try it in this step' }),
    ),
  },
  { additionalProperties: false },
)
export type PlanStep = Static<typeof PlanStep>

/** Hours of some days in which a plan may go on. One that ends before it begins goes over midnight. */
export const PlanWindow = Type.Object(
  {
    timeZone: Type.String({ minLength: 1, maxLength: 64, description: 'IANA name, such as Europe/Berlin' }),
    days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
      minItems: 1,
      maxItems: 7,
      uniqueItems: true,
      description: 'On which it begins: 1 is Monday, 7 is Sunday',
    }),
    from: Type.String({ pattern: '^(?:[01]\\d|2[0-3]):[0-5]\\d$', description: 'Such as 09:00' }),
    to: Type.String({ pattern: '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$', description: 'Such as 17:00, or 24:00' }),
  },
  { additionalProperties: false },
)
export type PlanWindow = Static<typeof PlanWindow>

/** Widens a rollout by itself, step by step, while its guard finds nothing wrong. */
export const RolloutPlan = Type.Object(
  {
    steps: Type.Array(PlanStep, { minItems: 1, maxItems: MAX_PLAN_STEPS, description: 'Of rising percentages' }),
    windows: Type.Optional(
      Type.Array(PlanWindow, {
        maxItems: MAX_PLAN_WINDOWS,
        description: 'When it may go to the next step; at any time when there is none. The first step waits for none.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type RolloutPlan = Static<typeof RolloutPlan>

export const PLAN_WAITS = ['start', 'bake', 'sample', 'window', 'guard', 'paused'] as const
export type PlanWait = (typeof PLAN_WAITS)[number]

export const PLAN_STATES = ['scheduled', 'running', 'paused', 'finished', 'over'] as const

/** How far a rollout's plan has come, and what it waits for. */
export const RolloutPlanStatus = Type.Object({
  rolloutId: Id,
  state: OneOf(PLAN_STATES, { description: 'over: its rollout was halted or withdrawn' }),
  step: Type.Integer({ description: 'From 1' }),
  percentage: { ...Percentage, description: 'What the rollout is at now' },
  steps: Type.Array(PlanStep),
  windows: Type.Array(PlanWindow),
  startsAt: Nullable(Timestamp),
  stepStartedAt: Nullable(Timestamp),
  attempted: Type.Integer({ description: 'Devices that tried it since the step began' }),
  isGuardGreen: Type.Boolean(),
  /** Of the known devices; null when it could not be counted now. Of large fleets, of a sample of 50,000. */
  takers: Nullable(
    Type.Object({
      audience: Type.Integer({ description: 'Devices that the rollout is for, at the percentage that it is at' }),
      canTake: Type.Integer({ description: 'Of these, those that run it, have tried it, or would take it' }),
      left: Type.Integer({ description: 'Of these, those that have not tried it yet: a step asks for no more' }),
      cannot: Type.Array(Type.Object({ reason: Type.String(), devices: Type.Integer() }), {
        description: 'Why the others cannot, most first',
      }),
    }),
  ),
  waitsFor: Nullable(
    Type.Object({
      for: OneOf(PLAN_WAITS),
      explanation: Type.String(),
      until: Nullable(Timestamp),
      missing: Nullable(Type.Integer({ description: 'Devices that still have to try it' })),
    }),
  ),
  updatedAt: Timestamp,
})
export type RolloutPlanStatus = Static<typeof RolloutPlanStatus>

/** Names the step that the caller wants to leave: of two callers at once, the second is told that it is too late. */
export const PlanAdvance = Type.Object(
  { fromStep: Type.Integer({ minimum: 1, maximum: MAX_PLAN_STEPS, description: '`step` as the caller saw it' }) },
  { additionalProperties: false },
)
export type PlanAdvance = Static<typeof PlanAdvance>
