import type { App, ManagementClient, NewRollout, Release, Rollout } from '@hotpatch/api'
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
import { openSession, type Session, type SessionOptions } from '../session.ts'
import { chooseKey } from '../signing/choose-key.ts'
import { canBeVerified, placeAgain } from '../signing/restate.ts'

interface PromoteOptions extends SessionOptions, KeyOptions {
  release?: string
  version?: string
  from?: string
  to: string
  platform?: Platform
  rollout: number
  mandatory?: boolean
}

export function addPromoteCommand(program: Command, context: CliContext) {
  serverCommand(program, 'promote', 'puts a release on another channel', withApp, withSigning, withYes)
    .option('--release <release-id>', 'which release; or --version, --from and --platform')
    .option('--version <version>', 'which version', readVersion)
    .option('--from <channel>', 'the channel that has it', readChannel)
    .option('--platform <platform>', 'of which platform', readPlatform)
    .requiredOption('--to <channel>', 'where it goes', readChannel)
    .option('--rollout <percent>', 'how many devices get it, 0 to 100', readPercentage, 100)
    .addOption(mandatoryOption())
    .action((options: PromoteOptions) => promote(context, options))
}

async function promote(context: CliContext, options: PromoteOptions) {
  const { to, rollout: percentage, mandatory = false } = options
  const findRelease = releaseFinder(options)
  const session = await openSession(context, options)
  session.requireConsent()
  const release = await findRelease(session)
  await session.confirm(
    `Put ${release.version} for ${release.platform} on ${to}, for ${percentage} % of its devices` +
      `${mandatory ? ', at once (mandatory)' : ''}?`,
  )
  const body: NewRollout = { releaseId: release.id, channel: to, percentage, mandatory }
  const rollout = await place(session, release, body, options)
  session.output.result(rollout, () => session.output.fields(rollout))
}

/** Devices refuse what is older than they have seen, unless the publisher states it again. */
async function place(session: Session, release: Release, body: NewRollout, options: KeyOptions): Promise<Rollout> {
  const { api } = session
  const { appId, platform, sequence: stated } = release
  const app: App = await api.getApp(appId)
  const isNewest = (await api.getNextSequence(appId, platform)).nextSequence === stated + 1
  if (isNewest || app.signing === 'optional') return api.createRollout(appId, body)
  const signing = canBeVerified(app, await chooseKey(session, app, options))
  return placeAgain(session, { app, platform, release }, signing, (signed) =>
    api.createRollout(appId, { ...body, ...signed }),
  )
}

/** One of the two ways to name a release. */
function releaseFinder({ release, version, from, platform }: PromoteOptions) {
  if (release !== undefined && version === undefined) {
    return ({ api }: { api: ManagementClient }): Promise<Release> => api.getRelease(release)
  }
  if (release === undefined && version !== undefined && from !== undefined && platform !== undefined) {
    return async ({ api, chooseApp }: Session) =>
      findReleaseOnChannel(api, await chooseApp(), { platform, version, channel: from })
  }
  throw new UsageError('Name the release: by --release, or by --version with --from and --platform.')
}
