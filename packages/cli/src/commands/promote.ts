import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readChannel, readPercentage, readPlatforms, readVersion } from '../arguments/readers.ts'
import { mandatoryOption, serverCommand, withApp, withRestating, withYes } from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { formatList } from '../output/text.ts'
import { findReleaseOnChannel } from '../release/find-release.ts'
import { preparePromotion, promoteRelease, readPromotion, type PromotionOptions } from '../release/promote-release.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { carryOutEach, choosePlatforms, planEach, tellChosen } from '../release/several-platforms.ts'
import { openSession, type Session, type SessionOptions } from '../session.ts'

interface PromoteOptions extends SessionOptions, PromotionOptions {
  release?: string
  from?: string
}

export function addPromoteCommand(program: Command, context: CliContext) {
  const parts = [withApp, withRestating, withYes, withAudience, withSchedule, withGuard]
  serverCommand(program, 'promote', 'puts a release on another channel', ...parts)
    .option('--release <release-id>', 'which release; or --version, --from and --platform')
    .option('--version <version>', 'which version', readVersion)
    .option('--from <channel>', 'the channel that has it', readChannel)
    .option(
      '--platform <platforms>',
      'of which platform, or several: android,ios; all of hotpatch.json when absent',
      readPlatforms,
    )
    .requiredOption('--to <channel>', 'where it goes', readChannel)
    .option('--rollout <percent>', 'how many devices get it, 0 to 100', readPercentage, 100)
    .addOption(mandatoryOption())
    .action((options: PromoteOptions) => promote(context, options))
}

async function promote(context: CliContext, options: PromoteOptions) {
  const findRelease = releaseFinder(options)
  const promotion = readPromotion(options)
  const session = await openSession(context, options)
  const { output, confirm } = session
  const platforms = chooseNamed(session, options)
  session.requireConsent()
  const plans = await planEach(platforms, async (platform) =>
    preparePromotion(session, promotion, await findRelease(session, platform), platform),
  )
  for (const { release, platform, lines } of plans) {
    if (plans.length > 1) output.notice(`Plan for ${platform}: ${release.version}`)
    for (const line of lines) output.notice(line)
  }
  const chosen = formatList(plans.map(({ platform }) => platform))
  const atOnce = options.mandatory ? ', at once (mandatory)' : ''
  const what = `${plans[0]?.release.version} for ${chosen} on ${options.to}`
  await confirm(`Put ${what}, for ${promotion.percentage} % of its devices${atOnce}?`)
  const placed = await carryOutEach(session, plans, (plan) => promoteRelease(session, promotion, plan))
  output.result(placed.length === 1 ? placed[0] : { rollouts: placed }, () => {
    for (const rollout of placed) output.fields(rolloutFields(rollout))
  })
}

/** Of an id, its platform may be named: what it must turn out to be. */
function chooseNamed(session: Session, { release, platform, bundle }: PromoteOptions): (Platform | undefined)[] {
  if (release !== undefined) {
    if (platform === undefined || platform.length === 1) return [platform?.[0]]
    throw new UsageError('--release is of one platform. For several name it by --version and --from.')
  }
  const chosen = choosePlatforms(platform, session.project)
  if (bundle !== undefined && chosen.length > 1) {
    throw new UsageError('--bundle is of one platform. Name it: --platform android.')
  }
  tellChosen(session, platform, chosen)
  return chosen
}

/** One of the two ways to name a release. */
function releaseFinder({ release, version, from }: PromoteOptions) {
  if (release !== undefined && from === undefined) return ({ api }: Session) => api.getRelease(release)
  if (release === undefined && version !== undefined && from !== undefined) {
    return async ({ api, chooseApp }: Session, platform: Platform | undefined) =>
      findReleaseOnChannel(api, await chooseApp(), { platform: platform as Platform, version, channel: from })
  }
  throw new UsageError('Name the release: by --release, or by --version with --from and --platform.')
}
