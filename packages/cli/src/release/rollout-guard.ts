import { DEFAULT_GUARD, type App, type GuardChoice, type GuardDifferences, type GuardSettings } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import {
  readGuardLimit,
  readGuardSample,
  readGuardTimes,
  readGuardWindow,
  timesOrNull,
} from '../arguments/guard-readers.ts'
import { withGroup } from '../arguments/shared-options.ts'
import { describeGuard } from '../output/describe-guard.ts'
import { UsageError } from '../errors/errors.ts'

/** Options about what watches a rollout. */
export interface GuardOptions {
  guard?: GuardSettings['action'] | 'off'
  guardLimit?: number
  guardSample?: number
  guardWindow?: number
  guardTimes?: number | 'off'
}

export interface RolloutGuard {
  guard?: GuardChoice
}

export function withGuard(command: Command): Command {
  return withGroup(command, 'What stops it:', (grouped) =>
    grouped
      .addOption(
        new Option('--guard <action>', "when too many devices turn bad; the app's own setting when absent").choices([
          'notify',
          'pause',
          'roll-back',
          'off',
        ]),
      )
      .option('--guard-limit <percent>', 'how many of those that tried it may be bad, such as 2%', readGuardLimit)
      .option('--guard-sample <devices>', 'how many have to have tried it before it judges', readGuardSample)
      .option('--guard-window <hours>', 'how long ago they may have tried it, such as 24h', readGuardWindow)
      .option('--guard-times <times>', 'how many times as bad as the release before, or off', readGuardTimes),
  )
}

/** @throws UsageError */
export function readGuard(options: GuardOptions): RolloutGuard {
  const { guard: action, guardLimit, guardSample, guardWindow, guardTimes } = options
  const limits = given({
    maxBadPercent: guardLimit,
    minimumSample: guardSample,
    windowHours: guardWindow,
    maxTimesPrevious: timesOrNull(guardTimes),
  })
  const hasLimits = Object.keys(limits).length > 0
  if (action === 'off') {
    if (hasLimits) throw new UsageError('--guard off needs no --guard-limit, --guard-sample and so on.')
    return { guard: 'off' }
  }
  // Who names an action wants the guard, whatever the app's own setting is.
  const differences: GuardDifferences = { ...(action && { action, isOn: true }), ...limits }
  return action || hasLimits ? { guard: differences } : {}
}

/** As the server will have it. */
export function guardSettings(app: App, choice: GuardChoice | undefined): GuardSettings {
  return { ...DEFAULT_GUARD, ...app.guard, ...(choice === 'off' ? { isOn: false } : choice) }
}

/** Lines for a person who has to say yes or no. `backTo`: the version before, null when there is none. */
export function guardLines(
  settings: GuardSettings,
  { backTo, isPrepared }: { backTo: string | null; isPrepared: boolean },
): Record<string, string> {
  if (!settings.isOn) return { Guard: 'off: nothing stops it by itself' }
  const goesBack = `back to ${backTo ?? 'what the app binary shipped with'}`
  return {
    Guard: describeGuard(settings),
    ...(settings.action === 'roll-back' && {
      'If it goes wrong': isPrepared ? `${goesBack}, signed in advance` : goesBack,
    }),
  }
}
