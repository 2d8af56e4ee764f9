import type { PlanStep, PlanWait, PlanWindow } from '@hotpatch/api'
import type { RolloutState } from '@hotpatch/protocol'
import { MINUTE_MS } from '../../ground/clock.ts'
import { isWithin, nextOpening } from './time-windows.ts'

/** In which the devices that are in use have checked. */
const SHOWN_MS = 24 * 60 * MINUTE_MS

/** A plan where it stands; times are milliseconds since 1970. */
export interface Plan {
  state: 'running' | 'finished'
  steps: readonly PlanStep[]
  windows: readonly PlanWindow[]
  /** From 0. */
  step: number
  /** Null: not started. */
  stepStartedAt: number | null
}

/** What a plan looks at. */
export interface Situation {
  rolloutState: RolloutState
  startsAt: number | null
  isGuardGreen: boolean
  /** Believed devices that tried the rollout, since the step began. */
  attempted: number
  /** Devices of the step that can take it and have not tried it yet; undefined where nobody has counted. */
  left?: number | undefined
}

export interface Wait {
  kind: 'wait'
  for: PlanWait
  /** When it ends, where that is known. */
  until?: number
  /** Devices that still have to try it. */
  missing?: number
  explanation: string
}

export type Move = Wait | { kind: 'advance'; toStep: number } | { kind: 'finish' } | { kind: 'over' }

/**
 * What a plan does now. Total: it has an answer for every plan, also for one that is over.
 * The last step has a bake time and a sample too: only then is the plan finished.
 */
export function nextMove(plan: Plan, situation: Situation, now: number): Move {
  const step = plan.steps[plan.step]
  const isOver = situation.rolloutState === 'halted' || situation.rolloutState === 'withdrawn'
  if (plan.state === 'finished' || isOver || !step) return { kind: 'over' }
  const wait = waitOf(plan, step, situation, now)
  if (wait) return wait
  const next = plan.steps[plan.step + 1]
  if (!next) return { kind: 'finish' }
  return waitForWindow(plan, next, now) ?? { kind: 'advance', toStep: plan.step + 1 }
}

function waitOf(plan: Plan, step: PlanStep, situation: Situation, now: number): Wait | undefined {
  if (situation.rolloutState === 'paused') {
    return { kind: 'wait', for: 'paused', explanation: 'The rollout is paused: resuming it begins the step anew.' }
  }
  return (
    waitForStart(plan, situation, now) ??
    waitForGuard(situation) ??
    waitForBake(plan, step, now) ??
    waitForSample(plan, step, situation, now)
  )
}

function waitForStart({ stepStartedAt }: Plan, { startsAt }: Situation, now: number): Wait | undefined {
  if (stepStartedAt !== null && (startsAt === null || startsAt <= now)) return undefined
  const until = Math.max(startsAt ?? now, now)
  return { kind: 'wait', for: 'start', until, explanation: `The rollout starts at ${describeTime(until)}.` }
}

function waitForGuard({ isGuardGreen }: Situation): Wait | undefined {
  if (isGuardGreen) return undefined
  const explanation = 'The guard has tripped: the plan goes on when it is rearmed, or when a person advances it.'
  return { kind: 'wait', for: 'guard', explanation }
}

function waitForBake({ stepStartedAt }: Plan, { bakeMinutes, percentage }: PlanStep, now: number): Wait | undefined {
  const until = (stepStartedAt ?? now) + bakeMinutes * MINUTE_MS
  if (until <= now) return undefined
  const explanation = `It stays at ${percentage} % until ${describeTime(until)} at least.`
  return { kind: 'wait', for: 'bake', until, explanation }
}

/**
 * A step never waits for more devices than there are. But somebody must have tried it, and a fleet needs a day to show
 * itself: the first device of a new one must not stand for all.
 */
function waitForSample(
  plan: Plan,
  step: PlanStep,
  { attempted: found, left }: Situation,
  now: number,
): Wait | undefined {
  const { minimumSample = 0, percentage } = step
  const missing = minimumSample - found
  const until = (plan.stepStartedAt ?? now) + SHOWN_MS
  if (missing <= 0 || (left === 0 && found > 0 && until <= now)) return undefined
  const state = `${found} of ${minimumSample} devices have tried it at ${percentage} %; ${missing} are missing`
  const wait = { kind: 'wait', for: 'sample' } as const
  if (left === undefined || left >= missing) return { ...wait, missing, explanation: `${state}.` }
  if (left === 0 && found > 0) {
    const explanation = `${state}, and nobody else there can take it: the plan goes on at ${describeTime(until)}.`
    return { ...wait, until, missing, explanation }
  }
  const hope =
    left === 0
      ? 'and nobody there can take it: advance the plan, or halt the rollout'
      : `but only ${left} more can take it: when they have tried it, and the step is a day old, the plan goes on`
  return { ...wait, missing: left || missing, explanation: `${state}, ${hope}.` }
}

function waitForWindow({ windows }: Plan, { percentage }: PlanStep, now: number): Wait | undefined {
  if (isWithin(windows, now)) return undefined
  const until = nextOpening(windows, now)
  if (until === undefined) {
    return { kind: 'wait', for: 'window', explanation: `No window for ${percentage} % opens within eight days.` }
  }
  const explanation = `It may go to ${percentage} % when its next window opens, at ${describeTime(until)}.`
  return { kind: 'wait', for: 'window', until, explanation }
}

/** To the minute, in UTC. */
function describeTime(at: number): string {
  const text = new Date(Math.ceil(at / MINUTE_MS) * MINUTE_MS).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`
}
