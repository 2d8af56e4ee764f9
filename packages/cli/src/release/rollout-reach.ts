import { ApiProblem, type ManagementClient, type RolloutPreview, type RolloutReach } from '@hotpatch/api'
import type { Output } from '../output/output.ts'
import { formatCount } from '../output/text.ts'
import { tellUnanswered } from './change-impact.ts'

const SHOWN_REASONS = 3

/** How many of the known devices a rollout would reach. Undefined when the server cannot say: it stops nobody. */
export async function findReach(
  api: ManagementClient,
  app: string,
  preview: RolloutPreview,
  output?: Pick<Output, 'notice'>,
): Promise<RolloutReach | undefined> {
  try {
    return await api.previewRollout(app, preview)
  } catch (error) {
    // What is wrong with the rollout itself, making it says better.
    if (!(error instanceof ApiProblem)) throw error
    tellUnanswered(error, output)
    return undefined
  }
}

/** For the plan that a person agrees to. */
export function reachLines(reach: RolloutReach | undefined): Record<string, string> {
  if (!reach) return {}
  const { devices, reached, alreadyRunning, missed, isExact } = reach
  if (devices === 0) return { 'Known devices': 'none on this channel yet' }
  const about = isExact ? '' : 'about '
  const others = missed.slice(0, SHOWN_REASONS).map(({ reason, devices }) => `${devices} ${reason}`)
  if (alreadyRunning > 0) others.unshift(`${alreadyRunning} run it already`)
  const rest = others.length > 0 ? ` (not: ${others.join(', ')})` : ''
  return { 'Known devices': `${about}${reached} of ${formatCount(devices, 'device')} would get it now${rest}` }
}
