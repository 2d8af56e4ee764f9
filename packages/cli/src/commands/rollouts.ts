import type { RolloutFilter } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPercentage, readPlatform } from '../arguments/readers.ts'
import {
  mandatoryOption,
  pageQuery,
  serverCommand,
  withApp,
  withPage,
  withYes,
  type PageOptions,
} from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { openSession, type SessionOptions } from '../session.ts'

type RolloutListOptions = SessionOptions & PageOptions & RolloutFilter

interface ChangeOptions extends SessionOptions {
  percentage?: number
  mandatory?: boolean
}

/** What `rollouts VERB ID` does: the client's method, and what it means for devices. */
const STATE_CHANGES = {
  pause: { method: 'pauseRollout', meaning: 'devices that have it keep it, no others get it' },
  resume: { method: 'resumeRollout', meaning: 'it goes on where it stopped' },
  halt: { method: 'haltRollout', meaning: 'stops it for good, and devices that have it leave it' },
} as const

export function addRolloutCommands(program: Command, context: CliContext) {
  const rollouts = program.command('rollouts').description('which devices get which release')

  serverCommand(rollouts, 'list', 'lists rollouts, newest first', withApp, withPage)
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only of this channel', readChannel)
    .addOption(new Option('--state <state>', 'only in this state').choices(['active', 'paused', 'halted', 'withdrawn']))
    .action((options: RolloutListOptions) => listRollouts(context, options))

  serverCommand(rollouts, 'set', 'changes how many devices get a release', withYes)
    .argument('<rollout-id>')
    .option('--percentage <percent>', '0 to 100, in steps of 0.01', readPercentage)
    .addOption(mandatoryOption())
    .action((id: string, options: ChangeOptions) => changeRollout(context, id, options))

  for (const verb of ['pause', 'resume', 'halt'] as const) {
    serverCommand(rollouts, verb, STATE_CHANGES[verb].meaning, withYes)
      .argument('<rollout-id>')
      .action((id: string, options: SessionOptions) => changeState(context, verb, id, options))
  }
}

async function listRollouts(context: CliContext, options: RolloutListOptions) {
  const { platform, channel, state } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listRollouts(app.id, {
    ...pageQuery(options),
    ...given({ platform, channel, state }),
  })
  const columns = ['position', 'version', 'platform', 'channel', 'state', 'percentage', 'mandatory', 'id'] as const
  const shown = page.items.map((rollout) => ({ ...rollout, version: rollout.version ?? rollout.target }))
  output.page(page, columns, shown)
}

async function changeRollout(context: CliContext, id: string, options: ChangeOptions) {
  const { percentage, mandatory } = options
  if (percentage === undefined && mandatory === undefined) {
    throw new UsageError('Say what to change: --percentage, --mandatory, or both.')
  }
  const { api, confirm, output } = await openSession(context, options)
  const changes = given({ percentage, mandatory })
  const wanted = Object.entries(changes).map(([name, value]) => `${name} ${value}`)
  await confirm(`Set ${wanted.join(' and ')} on the rollout ${id}?`)
  const rollout = await api.changeRollout(id, changes)
  output.result(rollout, () => output.fields(rollout))
}

async function changeState(context: CliContext, verb: keyof typeof STATE_CHANGES, id: string, options: SessionOptions) {
  const { method, meaning } = STATE_CHANGES[verb]
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`${verb} the rollout ${id}: ${meaning}?`)
  const rollout = await api[method](id)
  output.result(rollout, () => output.fields(rollout))
}
