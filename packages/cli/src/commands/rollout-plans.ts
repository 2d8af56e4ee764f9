import { ApiProblem, type ManagementClient, type RolloutPlanStatus } from '@hotpatch/api'
import type { Command } from 'commander'
import { formatMinutes, formatWindow } from '../arguments/plan-readers.ts'
import { serverCommand, withYes } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError } from '../errors/errors.ts'
import type { Output } from '../output/output.ts'
import { formatCount } from '../output/text.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { chooseRollout, withRollout, type RolloutChoice } from '../release/choose-rollout.ts'
import { openSession } from '../session/session.ts'

/** `rollouts show`, and what a person can do with a rollout's plan. */
export function addRolloutPlanCommands(rollouts: Command, context: CliContext) {
  serverCommand(
    rollouts,
    'show',
    'shows a rollout, how far its plan has come, and what it waits for',
    withRollout,
  ).action((named: string | undefined, options: RolloutChoice) => showRollout(context, named, options))

  serverCommand(
    rollouts,
    'advance',
    'goes to the next step of its plan without waiting any longer',
    withRollout,
    withYes,
  ).action((named: string | undefined, options: RolloutChoice) => advanceRollout(context, named, options))

  serverCommand(
    rollouts,
    'finish',
    'goes to the last step of its plan at once, and ends the plan',
    withRollout,
    withYes,
  ).action((named: string | undefined, options: RolloutChoice) => finishRollout(context, named, options))
}

async function showRollout(context: CliContext, named: string | undefined, options: RolloutChoice) {
  const session = await openSession(context, options)
  const { api, output } = session
  const rollout = await chooseRollout(session, named, options)
  const plan = await findPlan(api, rollout.id)
  output.result({ ...rollout, plan: plan ?? null }, () => {
    output.fields({ ...rolloutFields(rollout), ...(plan && planFields(plan)) })
    if (plan) showSteps(output, plan)
  })
}

function planFields({ state, step, steps, windows, attempted, takers, waitsFor }: RolloutPlanStatus) {
  return {
    plan: `${state}, step ${step} of ${steps.length}`,
    'tried it': formatCount(attempted, 'device'),
    ...(takers && { 'can take it': describeTakers(takers) }),
    ...(windows.length > 0 && { windows: windows.map(formatWindow) }),
    ...(waitsFor && { 'waits for': waitsFor.explanation }),
  }
}

function describeTakers({ audience, canTake, left, cannot }: NonNullable<RolloutPlanStatus['takers']>): string {
  const reasons = cannot.slice(0, 3).map(({ reason, devices }) => `${devices} ${reason}`)
  const others = reasons.length > 0 ? `; not: ${reasons.join(', ')}` : ''
  return `${canTake} of the ${formatCount(audience, 'device')} that it is for, ${left} of them have still to try it${others}`
}

function showSteps(output: Output, plan: RolloutPlanStatus) {
  const { step, steps } = plan
  output.line('')
  const rows = steps.map(({ percentage, bakeMinutes, minimumSample = 0 }, index) => [
    index + 1 === step ? `→ ${index + 1}` : `  ${index + 1}`,
    `${percentage} %`,
    bakeMinutes > 0 ? formatMinutes(bakeMinutes) : null,
    minimumSample > 0 ? minimumSample : null,
    progressOf(plan, index + 1),
  ])
  output.table(['  step', 'percentage', 'stays', 'devices', 'progress'], rows)
}

function progressOf({ state, step }: RolloutPlanStatus, each: number): string {
  if (each < step || state === 'finished') return 'done'
  if (each > step) return state === 'over' ? 'never' : 'to come'
  return state === 'running' ? 'now' : state
}

async function advanceRollout(context: CliContext, named: string | undefined, options: RolloutChoice) {
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  session.requireConsent()
  const { id } = await chooseRollout(session, named, options)
  const { state, step, steps, waitsFor } = await api.getRolloutPlan(id)
  if (state === 'finished' || state === 'over') throw new CommandError('plan-state', `The plan is ${state} already.`)
  const [current, next] = [steps[step - 1], steps[step]]
  if (!current || !next) {
    throw new CommandError('plan-state', 'The plan is at its last step. To end it: rollouts finish')
  }
  if (waitsFor) output.notice(waitsFor.explanation)
  await confirm(
    `Go from step ${step} of ${steps.length} (${current.percentage} %) to the next (${next.percentage} %) now?`,
  )
  const rollout = await api.advanceRollout(id, step)
  output.result(rollout, () => output.fields(rolloutFields(rollout)))
}

async function finishRollout(context: CliContext, named: string | undefined, options: RolloutChoice) {
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  session.requireConsent()
  const { id } = await chooseRollout(session, named, options)
  const { steps, waitsFor } = await api.getRolloutPlan(id)
  if (waitsFor) output.notice(waitsFor.explanation)
  await confirm(`Go to the last step (${steps.at(-1)?.percentage} %) now, and end the plan?`)
  const rollout = await api.finishRollout(id)
  output.result(rollout, () => output.fields(rolloutFields(rollout)))
}

async function findPlan(api: ManagementClient, id: string): Promise<RolloutPlanStatus | undefined> {
  try {
    return await api.getRolloutPlan(id)
  } catch (error) {
    if (error instanceof ApiProblem && error.type === 'plan-not-found') return undefined
    throw error
  }
}
