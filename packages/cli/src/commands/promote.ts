import type { App, ManagementClient, NewRollout, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPercentage, readPlatform, readVersion } from '../arguments/readers.ts'
import {
  mandatoryOption,
  serverCommand,
  withApp,
  withRestating,
  withYes,
  type RestatingOptions,
} from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { placeLines } from '../release/covered.ts'
import { findReleaseOnChannel } from '../release/find-release.ts'
import { audienceLines, readAudience, withAudience, type AudienceOptions } from '../release/rollout-audience.ts'
import { findImpact, takenBackLines } from '../release/change-impact.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { findReach, reachLines } from '../release/rollout-reach.ts'
import { readGuard, withGuard, type GuardOptions } from '../release/rollout-guard.ts'
import { readSchedule, scheduleLines, withSchedule, type ScheduleOptions } from '../release/rollout-schedule.ts'
import { openSession, type Session, type SessionOptions } from '../session.ts'
import { describePromotion, placePromoted, planPromotion } from '../signing/plan-promotion.ts'

interface PromoteOptions extends SessionOptions, RestatingOptions, ScheduleOptions, AudienceOptions, GuardOptions {
  release?: string
  version?: string
  from?: string
  to: string
  platform?: Platform
  rollout: number
  mandatory?: boolean
}

export function addPromoteCommand(program: Command, context: CliContext) {
  const parts = [withApp, withRestating, withYes, withAudience, withSchedule, withGuard]
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
  const app = await session.getApp(release.appId)
  const { guard } = readGuard(options)
  const signing = await planPromotion(session, wantedOf(options, app, release), { channel: to, guard, options })
  const share = schedule.plan?.steps[0]?.percentage ?? percentage
  const { appId, platform } = release
  const keyId = signing.restates && signing.plan ? signing.plan.key.fingerprint : undefined
  const wanted = { platform, channel: to, releaseId: release.id, percentage: share, ...audience, ...given({ keyId }) }
  const reach = await findReach(session.api, appId, wanted)
  const signedBy = signing.restates ? signing.plan?.key.publicKey : undefined
  const placed = { releaseId: release.id, channel: to, percentage: share, ...audience, ...given({ signedBy }) }
  const impact = await findImpact(session.api, appId, { change: 'promote', ...placed })
  const isNarrowed = (audience.rules ?? []).length > 0
  const covered = await placeLines(session.api, release, { channel: to, percentage: share, isNarrowed })
  const lines = {
    ...reachLines(reach),
    ...covered,
    ...takenBackLines(impact),
    ...audienceLines(audience),
    ...scheduleLines(schedule),
  }
  for (const [name, text] of Object.entries(lines)) session.output.notice(`${name}: ${text}`)
  session.output.notice(describePromotion(signing))
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
  const rollout = await placePromoted(session, app, signing, (signed) =>
    session.api.createRollout(app.id, { ...body, ...signed }),
  )
  session.output.result({ ...rollout, impact: impact ?? null }, () => session.output.fields(rolloutFields(rollout)))
}

/**
 * What the release must turn out to be. An id means nothing to a person, and the server chooses what it stands for: what
 * is signed without a look at it has to be named.
 */
function wantedOf({ version, platform, yes }: PromoteOptions, app: App, release: Release) {
  const named = version !== undefined && platform !== undefined
  return { app, platform: platform ?? release.platform, release, version, mustBeNamed: Boolean(yes) && !named }
}

/** One of the two ways to name a release. */
function releaseFinder({ release, version, from, platform }: PromoteOptions) {
  if (release !== undefined && from === undefined) {
    return ({ api }: { api: ManagementClient }): Promise<Release> => api.getRelease(release)
  }
  if (release === undefined && version !== undefined && from !== undefined && platform !== undefined) {
    return async ({ api, chooseApp }: Session) =>
      findReleaseOnChannel(api, await chooseApp(), { platform, version, channel: from })
  }
  throw new UsageError('Name the release: by --release, or by --version with --from and --platform.')
}
