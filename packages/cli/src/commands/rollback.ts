import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readChannel, readPlatform, readRollbackTarget, readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { readRollbackGuard, rollBack, withRollingBack, type RollingBackOptions } from '../release/roll-back.ts'
import { choosePlatform } from '../release/several-platforms.ts'
import { openSession, type Session } from '../session/session.ts'

interface RollbackOptions extends RollingBackOptions {
  platform?: Platform
  channel?: string
  version?: string
  to?: string
}

export function addRollbackCommand(program: Command, context: CliContext) {
  serverCommand(program, 'rollback', 'makes an earlier version the active one', withApp, withRollingBack)
    .option('--platform <platform>', 'of which platform, one at a time', readPlatform)
    .option(
      '--channel <channel>',
      'production when absent; named with --yes when hotpatch.json has another',
      readChannel,
    )
    .option('--version <version>', 'back to this version', readVersion)
    .option(
      '--to <target>',
      'back to this version, or to "embedded": what the app binary shipped with',
      readRollbackTarget,
    )
    .action((options: RollbackOptions) => rollBackNamed(context, options))
}

async function rollBackNamed(context: CliContext, options: RollbackOptions) {
  const target = readTargetOptions(options)
  readRollbackGuard(target, options)
  const session = await openSession(context, options)
  const platform = choosePlatform(options.platform, session.project)
  const channel = chooseChannel(session, options)
  if (!options.dryRun) session.requireConsent()
  const app = await session.chooseApp()
  await rollBack(session, { app, platform, channel, target, isNamed: true }, options)
}

/**
 * A default of the project file is for releases: whoever rolls back in a hurry means production. So it is said, and a
 * script has to name the channel.
 */
function chooseChannel({ project, output }: Session, { channel, yes }: RollbackOptions): string {
  const usual = project?.defaults.channel
  if (channel !== undefined || usual === undefined || usual === DEFAULT_CHANNEL) return channel ?? DEFAULT_CHANNEL
  if (yes) {
    const message = `${project?.path} has ${usual} as its default channel, which may not be the one that you mean.`
    throw new UsageError(`${message} Name it: --channel ${usual}, or --channel ${DEFAULT_CHANNEL}.`)
  }
  output.notice(`Channel: ${usual}, the default of ${project?.path}. Another: --channel ${DEFAULT_CHANNEL}.`)
  return usual
}

function readTargetOptions({ version, to }: RollbackOptions): string {
  const target = to ?? version
  if (target !== undefined && (to === undefined || version === undefined)) return target
  throw new UsageError('Say where to: --version 1.1.5, or --to embedded.')
}
