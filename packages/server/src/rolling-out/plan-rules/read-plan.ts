import type { PlanWindow, RolloutPlan } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { canonicalTimeZone } from './time-windows.ts'

/**
 * What the schema cannot say of a plan; with the canonical names of its time zones.
 * @throws problem invalid-request
 */
export function readPlan(input: {
  plan?: RolloutPlan | undefined
  percentage?: number | undefined
}): RolloutPlan | undefined {
  const { plan, percentage } = input
  if (!plan) return undefined
  if (percentage !== undefined) {
    throw problem('invalid-request', 'Expected a percentage or a plan, found both: the first step is the percentage.')
  }
  for (const [index, step] of plan.steps.entries()) {
    const before = plan.steps[index - 1]
    if (!before || before.percentage < step.percentage) continue
    const detail = `plan/steps/${index}: expected more than the ${before.percentage} % before, found ${step.percentage} %.`
    throw problem('invalid-request', detail)
  }
  return plan.windows ? { ...plan, windows: plan.windows.map(readWindow) } : plan
}

function readWindow(window: PlanWindow, index: number): PlanWindow {
  const timeZone = canonicalTimeZone(window.timeZone)
  if (timeZone === undefined) {
    const detail = `plan/windows/${index}: expected a time zone such as Europe/Berlin, found "${window.timeZone}".`
    throw problem('invalid-request', detail)
  }
  if (window.from === window.to) {
    const detail = `plan/windows/${index}: expected two different times; a whole day is 00:00 to 24:00.`
    throw problem('invalid-request', detail)
  }
  return { ...window, timeZone }
}
