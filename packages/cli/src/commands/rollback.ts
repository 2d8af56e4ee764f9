import { DEFAULT_CHANNEL, type NewRollback } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readChannel, readPercentage, readPlatform, readVersion } from '../arguments/readers.ts'
import {
  mandatoryOption,
  serverCommand,
  withApp,
  withSigning,
  withYes,
  type KeyOptions,
} from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { findReleaseOnChannel } from '../release/find-release.ts'
import { choosePlatform } from '../release/release-wishes.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { openSession, type SessionOptions } from '../session.ts'
import { chooseKey, type SigningChoice } from '../signing/choose-key.ts'
import { canBeVerified, placeAgain } from '../signing/restate.ts'

interface RollbackOptions extends SessionOptions, KeyOptions {
  platform?: Platform
  channel?: string
  version?: string
  to?: string
  rollout: number
  mandatory?: boolean
}

const readTarget = (text: string) => (text === 'embedded' ? text : readVersion(text))

export function addRollbackCommand(program: Command, context: CliContext) {
  serverCommand(program, 'rollback', 'makes an earlier version the active one', withApp, withSigning, withYes)
    .option('--platform <platform>', 'of which platform', readPlatform)
    .option('--channel <channel>', 'production when absent', readChannel)
    .option('--version <version>', 'back to this version', readVersion)
    .option('--to <target>', 'back to this version, or to "embedded": what the app binary shipped with', readTarget)
    .option('--rollout <percent>', 'how many devices go back, 0 to 100', readPercentage, 100)
    .addOption(mandatoryOption())
    .action((options: RollbackOptions) => rollBack(context, options))
}

async function rollBack(context: CliContext, options: RollbackOptions) {
  const { rollout: percentage, mandatory = false } = options
  const target = readTargetOptions(options)
  const session = await openSession(context, options)
  const { api, output, project } = session
  const platform = choosePlatform(options.platform, project)
  const channel = options.channel ?? project?.defaults.channel ?? DEFAULT_CHANNEL
  session.requireConsent()
  const app = await session.chooseApp()
  const release =
    target === 'embedded' ? undefined : await findReleaseOnChannel(api, app, { platform, channel, version: target })
  const signing = canBeVerified(app, await chooseKey(session, app, options))
  output.notice(describeSigning(signing))
  await session.confirm(`Send ${percentage} % of the devices on ${channel} for ${platform} back to ${target}?`)

  const to = release ? { version: release.version } : 'embedded'
  const body: NewRollback = { platform, channel, to, percentage, mandatory }
  const content = { app, platform, release }
  const rollout = await placeAgain(session, content, signing, (signed) => api.rollBack(app.id, { ...body, ...signed }))
  output.result(rollout, () => output.fields(rolloutFields(rollout)))
}

function readTargetOptions({ version, to }: RollbackOptions): string {
  const target = to ?? version
  if (target !== undefined && (to === undefined || version === undefined)) return target
  throw new UsageError('Say where to: --version 1.1.5, or --to embedded.')
}

function describeSigning(signing: SigningChoice): string {
  return signing.kind === 'signed'
    ? `Signed with the key ${signing.key.fingerprint} (${signing.key.path}).`
    : `Not signed: ${signing.reason}.`
}
