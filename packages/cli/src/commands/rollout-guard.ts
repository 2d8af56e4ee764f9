import type { Guard, GuardChanges, GuardFigures } from '@hotpatch/api'
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
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { describeGuard } from '../release/rollout-guard.ts'
import { describeLeftOut } from '../output/left-out.ts'
import { formatCount } from '../output/text.ts'
import { chooseRollout, describePlace, withRollout, type RolloutChoice } from '../release/choose-rollout.ts'
import { openSession } from '../session.ts'

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

/** For a person. */
export function guardFields({ state, settings, figures, toTrip, goesBackTo, trip, looks, watchedSince }: Guard) {
  if (!settings.isOn) return { guard: 'off', 'tried it': describeShare(figures), ...leftOutFields(figures) }
  return {
    guard: describeGuard(settings),
    state: trip && state === 'tripped' ? `tripped at ${trip.at}: ${causeOf(trip.cause)}` : state,
    'watches since': `${watchedSince}, and has judged ${formatCount(looks, 'time')}`,
    'tried it': describeShare(figures),
    ...leftOutFields(figures),
    ...(figures.previous && { 'the release before': describeShare(figures.previous) }),
    'would trip at':
      toTrip === null
        ? 'no number of bad devices'
        : `${toTrip} bad of ${Math.max(figures.sample, settings.minimumSample)}`,
    ...(settings.action === 'roll-back' && {
      'goes back to': goesBackTo
        ? `${goesBackTo.version}${goesBackTo.isPrepared ? ', signed in advance' : ''}`
        : 'what the app binary shipped with',
    }),
    ...(trip && { 'tripped at': describeShare(trip.figures) }),
    ...(trip?.rolloutId && { 'rolled back by': trip.rolloutId }),
  }
}

function leftOutFields({ leftOut, withoutNetwork, sample }: GuardFigures): Record<string, string> {
  return {
    ...(leftOut.devices + leftOut.unprovenReports > 0 && { 'not believed': describeLeftOut(leftOut) }),
    // One machine's own fleet, or a proxy in between.
    ...(withoutNetwork > 0 && {
      'no network': `${withoutNetwork} of ${sample}: behind a proxy, set HOTPATCH_TRUST_PROXY`,
    }),
  }
}

function causeOf(cause: 'limit' | 'previous'): string {
  return cause === 'limit' ? 'above the limit' : 'much worse than the release before'
}

/** Such as "340 devices, 12 bad: 3.53 %, between 1.9 % and 6.1 %". */
function describeShare(share: Pick<GuardFigures, 'sample' | 'bad' | 'badPercent' | 'lowerPercent' | 'upperPercent'>) {
  const { sample, bad, badPercent, lowerPercent, upperPercent } = share
  if (sample === 0) return 'no devices yet'
  const percent = (value: number) => `${Number(value.toFixed(2))} %`
  return `${sample} devices, ${bad} bad: ${percent(badPercent)}, between ${percent(lowerPercent)} and ${percent(upperPercent)}`
}
