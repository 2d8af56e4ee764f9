import { ApiProblem, type Impact, type ImpactQuestion, type ManagementClient } from '@hotpatch/api'
import { formatVersion } from '../output/figures.ts'
import type { Output } from '../output/output.ts'
import { formatCount } from '../output/text.ts'

const SHOWN_MOVES = 4
const SHOWN_REASONS = 3

/** What a change would do to the known devices. Undefined when the server cannot say: it stops nobody. */
export async function findImpact(
  api: ManagementClient,
  app: string,
  question: ImpactQuestion,
  output?: Pick<Output, 'notice'>,
): Promise<Impact | undefined> {
  try {
    return await api.getImpact(app, question)
  } catch (error) {
    // What is wrong with the change itself, making it says better.
    if (!(error instanceof ApiProblem)) throw error
    tellUnanswered(error, output)
    return undefined
  }
}

/** That nobody looked is not that there is nothing to see. */
export function tellUnanswered({ status, message }: ApiProblem, output: Pick<Output, 'notice'> | undefined): void {
  if (status !== 429 && status < 500) return
  output?.notice(`Known devices: the server could not say what would become of them. ${message}`)
}

/** For a person who has to say yes or no. */
export function impactLines(impact: Impact | undefined): Record<string, string> {
  if (!impact || impact.devices === 0) return {}
  const { devices, changed, goBack, moves, cannotTake, stranded, strandedNow, dropped, untold, isExact } = impact
  const about = isExact ? '' : 'about '
  const shown = moves.slice(0, SHOWN_MOVES).map((move) => {
    return `${move.devices} from ${formatVersion(move.from)} to ${formatVersion(move.to)}`
  })
  const reasons = cannotTake.slice(0, SHOWN_REASONS).map(({ reason, devices: some }) => `${some} ${reason}`)
  const refusing = cannotTake.reduce((sum, each) => sum + each.devices, 0)
  return {
    'Known devices': `${about}${changed} of ${formatCount(devices, 'device')} would run something else${shown.length > 0 ? `: ${shown.join(', ')}` : ''}`,
    ...(goBack > 0 && { 'Takes back': `${about}${formatCount(goBack, 'device')} to an older release than they run` }),
    ...(refusing > 0 && {
      'Cannot take it': `${about}${formatCount(refusing, 'device')} would refuse what is for them: ${reasons.join(', ')}`,
    }),
    ...(stranded > 0 && {
      'Left behind': `${about}${formatCount(stranded, 'device')} would stay on what was taken back, with nothing that they could take${strandedNow > 0 ? ` (${strandedNow} do so already)` : ''}`,
    }),
    ...(dropped > 0 && {
      'Falls to embedded': `${about}${formatCount(dropped, 'device')} would go to what the app binary shipped with, as they would refuse what is in force for them`,
    }),
    ...(untold > 0 && {
      'Not told': `${about}${formatCount(untold, 'device')} never told which keys and sequences they take`,
    }),
  }
}

/** Of a promotion, whose reach is shown beside it. */
export function takenBackLines(impact: Impact | undefined): Record<string, string> {
  const { 'Takes back': back, 'Left behind': left, 'Falls to embedded': dropped } = impactLines(impact)
  return {
    ...(back !== undefined && { 'Takes back': back }),
    ...(left !== undefined && { 'Left behind': left }),
    ...(dropped !== undefined && { 'Falls to embedded': dropped }),
  }
}

/** What would reach those who are left behind. */
export function describeWayOut({ version, percentage, sequence, stranded }: NonNullable<Impact['wayOut']>): string {
  const share = percentage < 100 ? ` for ${percentage} %` : ''
  const left = stranded === 0 ? 'all of them' : `all of them but ${stranded}`
  return `${formatVersion(version)}, stated again as sequence ${sequence} and placed on top${share}, reaches ${left}`
}
