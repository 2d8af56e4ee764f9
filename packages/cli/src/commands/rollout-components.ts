import type { ComponentFigures } from '@hotpatch/api'
import type { Command } from 'commander'
import { serverCommand } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { formatNumber } from '../output/figures.ts'
import { chooseRollout, withRollout, type RolloutChoice } from '../release/choose-rollout.ts'
import { openSession } from '../session/session.ts'

const STEPS = ['planned', 'downloaded', 'applied', 'probed', 'confirmed', 'rolledBack', 'failed'] as const

/** `rollouts components`: of a kit, which component fails. */
export function addRolloutComponentsCommand(rollouts: Command, context: CliContext) {
  serverCommand(
    rollouts,
    'components',
    'shows of a kit how far installations came with each component, and which one fails',
    withRollout,
  ).action((named: string | undefined, options: RolloutChoice) => showComponents(context, named, options))
}

async function showComponents(context: CliContext, named: string | undefined, options: RolloutChoice) {
  const session = await openSession(context, options)
  const { api, output } = session
  const { id } = await chooseRollout(session, named, options)
  const found = await api.getRolloutComponents(id)
  output.result(found, () => {
    if (found.components.length === 0) return output.notice('It places no kit: nothing is told by component.')
    output.table(['component', 'version', ...STEPS.map(nameOf), 'why it failed'], found.components.map(rowOf))
    if (found.eventsNotKept > 0) {
      output.notice(
        `There was no room for ${formatNumber(found.eventsNotKept)} events of the app: they are missing here.`,
      )
    }
  })
}

function nameOf(step: (typeof STEPS)[number]): string {
  return step === 'rolledBack' ? 'rolled back' : step
}

function rowOf(component: ComponentFigures): string[] {
  const codes = component.codes.map(({ code, devices }) => `${code ?? 'no code'} (${formatNumber(devices)})`)
  return [component.id, component.version, ...STEPS.map((step) => formatNumber(component[step])), codes.join(', ')]
}
