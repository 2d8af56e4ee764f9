import type { PlanStep, PlanWindow, RolloutPlan } from '@hotpatch/api'
import type { Command } from 'commander'
import { Option } from 'commander'
import { formatMinutes, formatWindow, readPlanSteps, readPlanWindow } from '../arguments/plan-readers.ts'
import { readTimestamp } from '../arguments/readers.ts'
import { withGroup } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import { formatCount } from '../output/text.ts'

/** Options about when devices get something. */
export interface ScheduleOptions {
  plan?: PlanStep[]
  window?: PlanWindow[]
  startAt?: string
  paused?: boolean
}

export interface RolloutSchedule {
  plan?: RolloutPlan
  startsAt?: string
  paused?: boolean
}

export function withSchedule(command: Command): Command {
  return withGroup(command, 'When they get it:', (grouped) =>
    grouped
      .addOption(
        new Option('--plan <steps>', 'widen it by itself: percentage, how long, how many devices; 1%:1h:50,10%:4h,100%')
          .argParser(readPlanSteps)
          .conflicts('rollout'),
      )
      .option(
        '--window <window>',
        'when the plan may go on, such as "Mon-Fri 09:00-17:00 Europe/Berlin"; may be given again',
        readPlanWindow,
      )
      .option('--start-at <time>', 'when it starts, such as 2030-01-31T12:00:00Z; at once when absent', readTimestamp)
      .option('--paused', 'placed only: nobody gets it until it is resumed'),
  )
}

/** @throws UsageError */
export function readSchedule({ plan: steps, window: windows, startAt, paused }: ScheduleOptions): RolloutSchedule {
  if (windows && !steps) throw new UsageError('--window says when a plan may go on: give the plan, too, with --plan.')
  return {
    ...(steps && { plan: { steps, ...(windows && { windows }) } }),
    ...(startAt !== undefined && { startsAt: startAt }),
    ...(paused && { paused }),
  }
}

/** Lines for a person who has to say yes or no. */
export function scheduleLines({ plan, startsAt, paused }: RolloutSchedule): Record<string, string> {
  return {
    ...(paused && { Paused: 'nobody gets it until it is resumed' }),
    ...(startsAt !== undefined && { Starts: startsAt }),
    ...(plan && { Steps: plan.steps.map(describeStep).join(', then ') + haste(plan) }),
    ...(plan?.windows && { 'Goes on': plan.windows.map(formatWindow).join('; ') }),
  }
}

/** A plan that waits for nothing is over in seconds, which nobody who writes one means. */
function haste({ steps }: RolloutPlan): string {
  const waits = steps.slice(0, -1).some(({ bakeMinutes, minimumSample = 0 }) => bakeMinutes > 0 || minimumSample > 0)
  if (waits || steps.length < 2) return ''
  return '. No step waits, so all is done at once: give times or devices, such as 1%:1h or 1%:1h:50'
}

/** Such as "1 % for 1h and until 50 devices have tried it". */
function describeStep({ percentage, bakeMinutes, minimumSample = 0 }: PlanStep): string {
  const waits = [
    bakeMinutes > 0 && `for ${formatMinutes(bakeMinutes)}`,
    minimumSample > 0 && `until ${formatCount(minimumSample, 'device has', 'devices have')} tried it`,
  ].filter((wait) => wait !== false)
  return [`${percentage} %`, waits.join(' and ')].join(' ').trim()
}
