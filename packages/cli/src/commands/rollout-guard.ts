import type { Guard, GuardChanges } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import {
  readGuardLimit,
  readGuardSample,
  readGuardTimes,
  readGuardWindow,
  timesOrNull,
} from '../arguments/guard-readers.ts'
import { serverCommand, withYes } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { guardFields } from '../output/describe-guard.ts'
import { chooseRollout, describePlace, withRollout, type RolloutChoice } from '../release/choose-rollout.ts'
import { openSession } from '../session/session.ts'

interface Options extends RolloutChoice {
  action?: 'notify' | 'pause' | 'roll-back' | 'off'
  limit?: number
  sample?: number
  window?: number
  times?: number | 'off'
  rearm?: boolean
}

/** `rollouts guard`: what watches a rollout, and what it sees. */
export function addRolloutGuardCommand(rollouts: Command, context: CliContext) {
  serverCommand(rollouts, 'guard', 'shows what watches a rollout and what it sees, or changes it', withRollout, withYes)
    .addOption(
      new Option('--action <action>', 'when too many devices are bad').choices(['notify', 'pause', 'roll-back', 'off']),
    )
    .option('--limit <percent>', 'how many of those that tried it may be bad, such as 2%', readGuardLimit)
    .option('--sample <devices>', 'how many have to have tried it before it judges', readGuardSample)
    .option('--window <hours>', 'how long ago they may have tried it, such as 24h', readGuardWindow)
    .option('--times <times>', 'how many times as bad as the release before, or off', readGuardTimes)
    .option('--rearm', 'let a guard that has tripped watch again, from now on')
    .action((named: string | undefined, options: Options) => guard(context, named, options))
}

async function guard(context: CliContext, named: string | undefined, options: Options) {
  const changes = readChanges(options)
  const isChanged = Object.keys(changes).length > 0
  if (options.rearm && isChanged) throw new UsageError('Change the guard first, then --rearm it.')
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  if (options.rearm || isChanged) session.requireConsent()
  const rollout = await chooseRollout(session, named, options)
  const { id } = rollout
  const show = (guard: Guard) => output.result(guard, () => output.fields(guardFields(guard)))
  if (options.rearm) {
    await confirm(`Let the guard of the rollout of ${describePlace(rollout)} watch again?`)
    return show(await api.rearmGuard(id))
  }
  if (!isChanged) return show(await api.getGuard(id))
  const wanted = Object.entries(changes).map(([name, value]) => `${name} ${value}`)
  await confirm(`Set ${wanted.join(' and ')} on the guard of the rollout of ${describePlace(rollout)}?`)
  show(await api.changeGuard(id, changes))
}

function readChanges({ action, limit, sample, window, times }: Options): GuardChanges {
  return {
    ...(action === 'off' ? { isOn: false } : action && { isOn: true, action }),
    ...given({
      maxBadPercent: limit,
      minimumSample: sample,
      windowHours: window,
      maxTimesPrevious: timesOrNull(times),
    }),
  }
}
