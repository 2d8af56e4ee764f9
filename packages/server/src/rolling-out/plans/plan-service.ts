import type { PlanStep, PlanWindow, Rollout, RolloutPlanStatus } from '@hotpatch/api'
import { Problem, problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { Author } from '../../people/authors/author.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { CountTakers, Takers } from '../rollouts/takers.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
import type { Sampling } from '../../fleet/progress/sampling.ts'
import { countSinceStep, readStepSample } from './plan-companion.ts'
import { nextMove, type Move, type Plan } from '../plan-rules/plan-steps.ts'
import { findPlan, listRunningPlans, updatePlan, type PlanRow } from './plan-store.ts'

/** Rollouts whose start is told, and plans that are looked at, in one round; the next one goes on from there. */
const ROUND = 500

const PLAN_AUTHOR: Author = { kind: 'plan' }

/** What plans ask the guards. */
export interface GuardLight {
  /** Whether the rollout's guard has found nothing wrong, or is not there. */
  isGreen(rolloutId: string, connection: Connection): Promise<boolean>
}

export type PlanService = ReturnType<typeof createPlanService>

/** Rollouts that go their way by themselves. All is decided in the database: any number of servers may do this at once. */
export function createPlanService({
  db,
  reads = db,
  rollouts,
  guards,
  sampling,
  countTakers,
  clock,
  log,
}: {
  db: Database
  /** For sums over many hours; `db` when it blocks nobody. */
  reads?: Database
  rollouts: RolloutService
  guards: GuardLight
  sampling: Sampling
  countTakers: CountTakers
  clock: Clock
  log: Pick<FastifyBaseLogger, 'error'>
}) {
  /** Where the next round begins: when there are many, each has its turn. */
  let lastSeen = ''

  /** @throws problem plan-not-found */
  async function get(rolloutId: string, connection: Connection = db): Promise<PlanRow> {
    const row = await findPlan(connection, rolloutId)
    if (row) return row
    throw problem('plan-not-found', 'This rollout has no plan: its percentage is what people set.')
  }

  /** How far the plan has come, and what it waits for. @throws problem plan-not-found */
  async function getStatus(rollout: RolloutRow): Promise<RolloutPlanStatus> {
    const row = await get(rollout.id)
    const plan = planOf(row)
    const [attempted, isGuardGreen, takers] = await Promise.all([
      countSinceStep(reads, sampling, row),
      guards.isGreen(rollout.id, db),
      countTakers(rollout),
    ])
    const { state: rolloutState, starts_at: startsAt } = rollout
    const situation = { rolloutState, startsAt, isGuardGreen, attempted, left: takers?.left }
    const move = nextMove(plan, situation, clock.now())
    return {
      rolloutId: rollout.id,
      state: stateOf(plan, rollout),
      step: plan.step + 1,
      percentage: rollout.percentage,
      steps: [...plan.steps],
      windows: [...plan.windows],
      startsAt: nullableTimestamp(startsAt),
      stepStartedAt: nullableTimestamp(plan.stepStartedAt),
      attempted,
      isGuardGreen,
      takers: takers ? renderTakers(takers) : null,
      waitsFor: renderWait(move),
      updatedAt: timestamp(row.updated_at),
    }
  }

  /**
   * Goes to the next step without waiting any longer.
   * @param fromStep from 1: the step that the caller wants to leave, so that of two at once one comes too late
   * @throws problem plan-not-found, plan-state or rollout-state
   */
  async function advance(rollout: RolloutRow, fromStep: number, author: Author): Promise<Rollout> {
    await get(rollout.id)
    return change(rollout, 'rollout.advanced', author, (row) => {
      const { steps, step } = planOf(row)
      if (fromStep !== step + 1) {
        const detail = `Expected to go on from step ${step + 1} of ${steps.length}, not from ${fromStep}.`
        throw problem('plan-state', detail, { step: step + 1 })
      }
      if (fromStep < steps.length) return
      throw problem('plan-state', `The plan is at its last step, ${fromStep} of ${steps.length}: finish it.`)
    })
  }

  /**
   * Goes to the last step at once, and leaves the plan. A plan that is finished stays as it is.
   * @throws problem plan-not-found, plan-state or rollout-state
   */
  async function finish(rollout: RolloutRow, author: Author): Promise<Rollout> {
    const row = await get(rollout.id)
    if (row.state === 'finished' && rollout.state === 'active') return rollouts.render(rollout)
    return change(rollout, 'rollout.finished', author, () => undefined)
  }

  /**
   * In one transaction with the rollout's percentage, and only while the rollout is active.
   * @param check of the plan as it is when all others that change it have to wait
   */
  function change(
    rollout: RolloutRow,
    action: 'rollout.advanced' | 'rollout.finished',
    author: Author,
    check: (row: PlanRow, tx: Connection) => void | Promise<void>,
  ): Promise<Rollout> {
    return rollouts.apply(rollout, ['active'], action, author, {}, async (tx, before) => {
      if (before.awaits_start) throw problem('plan-state', 'The rollout has not started yet: move its start.')
      const row = await get(rollout.id, tx)
      if (row.state !== 'running') throw problem('plan-state', 'The plan of this rollout is finished.')
      await check(row, tx)
      const now = clock.now()
      const { steps } = planOf(row)
      const isEnd = action === 'rollout.finished'
      const step = isEnd ? steps.length - 1 : row.step + 1
      const changes = isEnd
        ? { state: 'finished' as const, step }
        : { step, step_started_at: now, step_base: 0, step_sample: await readStepSample(tx, rollout.id) }
      if (!(await updatePlan(tx, row, { ...changes, updated_at: now }))) throw changedMeanwhile()
      return { percentage: steps[step]?.percentage ?? before.percentage }
    })
  }

  /** One round: tells the starts that have come, and takes every plan that may go on one step further. */
  async function advanceDue(): Promise<void> {
    for (const rollout of await rollouts.listDueStarts(ROUND)) {
      await attempt(rollout.id, () => rollouts.tellStart(rollout, PLAN_AUTHOR))
    }
    const rows = await listRunningPlans(reads, lastSeen, ROUND)
    lastSeen = rows.length < ROUND ? '' : (rows.at(-1)?.rollout_id ?? '')
    for (const row of rows) await attempt(row.rollout_id, () => advanceIfDue(row))
  }

  /** Of a rollout that is active and has started; the guard is asked only where it matters. */
  function dueMove(plan: Plan, attempted: number, left?: number): 'advance' | 'finish' | undefined {
    const situation = { rolloutState: 'active', startsAt: null, isGuardGreen: true, attempted, left } as const
    const { kind } = nextMove(plan, situation, clock.now())
    return kind === 'advance' || kind === 'finish' ? kind : undefined
  }

  async function advanceIfDue(row: PlanRow): Promise<void> {
    const plan = planOf(row)
    // A long history is summed only when nothing but devices may be missing.
    if (!dueMove(plan, Number.MAX_SAFE_INTEGER)) return
    const attempted = await countSinceStep(reads, sampling, row)
    const rollout = await rollouts.get(row.rollout_id, null)
    const isShort = attempted > 0 && !dueMove(plan, attempted)
    const move = dueMove(plan, attempted, isShort ? (await countTakers(rollout))?.left : undefined)
    if (!move || !(await guards.isGreen(row.rollout_id, db))) return
    const action = move === 'finish' ? 'rollout.finished' : 'rollout.advanced'
    await change(rollout, action, PLAN_AUTHOR, async ({ revision }, tx) => {
      // What was looked at is what is there: nobody has gone on, and nothing was found wrong.
      if (revision !== row.revision || !(await guards.isGreen(row.rollout_id, tx))) throw changedMeanwhile()
    })
  }

  /** One that fails must not hold up the others. */
  async function attempt(rolloutId: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (error instanceof Problem && TAKEN.has(error.type)) return
      log.error({ err: error, rolloutId }, 'a rollout could not go on by itself; the next round tries again')
    }
  }

  return { getStatus, advance, finish, advanceDue }
}

/** Another server, or a person, was first. */
const TAKEN: ReadonlySet<string> = new Set(['plan-state', 'rollout-state', 'rollout-not-found'])

function changedMeanwhile() {
  return problem('plan-state', 'The plan was changed by someone else a moment ago. Look at it again.')
}

function planOf(row: PlanRow): Plan {
  return {
    state: row.state,
    steps: JSON.parse(row.steps) as PlanStep[],
    windows: row.windows === null ? [] : (JSON.parse(row.windows) as PlanWindow[]),
    step: row.step,
    stepStartedAt: row.step_started_at,
  }
}

function stateOf(plan: Plan, rollout: RolloutRow): RolloutPlanStatus['state'] {
  if (rollout.state === 'halted' || rollout.state === 'withdrawn') return 'over'
  if (plan.state === 'finished') return 'finished'
  if (rollout.state === 'paused') return 'paused'
  return rollout.awaits_start ? 'scheduled' : 'running'
}

function renderTakers({ audience, canTake, left, reasons }: Takers): NonNullable<RolloutPlanStatus['takers']> {
  const cannot = [...reasons].map(([reason, devices]) => ({ reason, devices }))
  return { audience, canTake, left, cannot: cannot.toSorted((a, b) => b.devices - a.devices) }
}

function renderWait(move: Move): RolloutPlanStatus['waitsFor'] {
  if (move.kind !== 'wait') return null
  const { for: reason, explanation, until, missing } = move
  return { for: reason, explanation, until: nullableTimestamp(until ?? null), missing: missing ?? null }
}
