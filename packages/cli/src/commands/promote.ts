import type { ManagementClient, NewRollout, Release } from '@hotpatch/api'
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
import { audienceLines, readAudience, withAudience, type AudienceOptions } from '../release/rollout-audience.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { findReach, reachLines } from '../release/rollout-reach.ts'
import { readGuard, withGuard, type GuardOptions } from '../release/rollout-guard.ts'
import { readSchedule, scheduleLines, withSchedule, type ScheduleOptions } from '../release/rollout-schedule.ts'
import { openSession, type Session, type SessionOptions } from '../session.ts'
import { placeExisting } from '../signing/restate.ts'

interface PromoteOptions extends SessionOptions, KeyOptions, ScheduleOptions, AudienceOptions, GuardOptions {
  release?: string
  version?: string
  from?: string
  to: string
  platform?: Platform
  rollout: number
  mandatory?: boolean
}

export function addPromoteCommand(program: Command, context: CliContext) {
  const parts = [withApp, withSigning, withYes, withAudience, withSchedule, withGuard]
  serverCommand(program, 'promote', 'puts a release on another channel', ...parts)
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
  const schedule = readSchedule(options)
  const audience = readAudience(options)
  const session = await openSession(context, options)
  session.requireConsent()
  const release = await findRelease(session)
  const share = schedule.plan?.steps[0]?.percentage ?? percentage
  const { appId, platform } = release
  const wanted = { platform, channel: to, releaseId: release.id, percentage: share, ...audience }
  const reach = await findReach(session.api, appId, wanted)
  const lines = { ...reachLines(reach), ...audienceLines(audience), ...scheduleLines(schedule) }
  for (const [name, text] of Object.entries(lines)) session.output.notice(`${name}: ${text}`)
  await session.confirm(
    `Put ${release.version} for ${release.platform} on ${to}, for ${share} % of its devices` +
      `${mandatory ? ', at once (mandatory)' : ''}?`,
  )
  const body: NewRollout = {
    releaseId: release.id,
    channel: to,
    mandatory,
    ...(!schedule.plan && { percentage }),
    ...schedule,
    ...audience,
    ...readGuard(options),
  }
  const rollout = await placeExisting(session, release, options, (signed) =>
    session.api.createRollout(release.appId, { ...body, ...signed }),
  )
  session.output.result(rollout, () => session.output.fields(rolloutFields(rollout)))
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
