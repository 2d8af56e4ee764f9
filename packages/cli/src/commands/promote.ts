import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readChannel, readPercentage, readPlatforms, readVersion } from '../arguments/readers.ts'
import { mandatoryOption, serverCommand, withApp, withRestating, withYes } from '../arguments/shared-options.ts'
import { withAnswerKey } from '../expo-signing/choose-answer-key.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import { findNamedRelease } from '../release/find-release.ts'
import {
  preparePromotion,
  promoteRelease,
  readPromotion,
  rehearsePromotion,
  type PreparedPromotion,
  type PromotionOptions,
} from '../release/promote-release.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { carryOutEach, choosePlatforms, planEach, tellChosen } from '../release/several-platforms.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

interface PromoteOptions extends SessionOptions, PromotionOptions {
  release?: string
  from?: string
  dryRun?: boolean
}

export function addPromoteCommand(program: Command, context: CliContext) {
  const parts = [withApp, withRestating, withAnswerKey, withYes, withAudience, withSchedule, withGuard]
  serverCommand(program, 'promote', 'puts a release on another channel', ...parts)
    .option('--release <release-id>', 'which release; or --version and --platform')
    .option('--version <version>', 'which version', readVersion)
    .option('--from <channel>', 'a channel that must have had it', readChannel)
    .option(
      '--platform <platforms>',
      'of which platform, or several: android,ios; all of hotpatch.json when absent',
      readPlatforms,
    )
    .requiredOption('--to <channel>', 'where it goes', readChannel)
    .option('--rollout <percent>', 'how many devices get it, 0 to 100', readPercentage, 100)
    .addOption(mandatoryOption())
    .option('--dry-run', 'show what it would do, signing and changing nothing')
    .action((options: PromoteOptions) => promote(context, options))
}

async function promote(context: CliContext, options: PromoteOptions) {
  const findRelease = releaseFinder(options)
  const promotion = readPromotion(options)
  const session = await openSession(context, options)
  const { output, confirm } = session
  const platforms = chooseNamed(session, options)
  if (!options.dryRun) session.requireConsent()
  // In a dry run the server is asked with the plan: what it refuses for any of them is told for all.
  const plans = await planEach(platforms, async (platform) => {
    const plan = await preparePromotion(session, promotion, await findRelease(session, platform), platform)
    return { plan, rehearsed: options.dryRun ? await rehearsePromotion(session, promotion, plan) : undefined }
  })
  for (const { plan } of plans) describe(session, plan, { channel: options.to, isOneOfSeveral: plans.length > 1 })
  if (options.dryRun) {
    const shown = plans.map(({ rehearsed }) => rehearsed)
    return output.result(resultOf(shown), () => output.notice('Nothing was signed, and nothing changed.'))
  }
  const open = plans.filter(({ plan }) => plan.kind === 'planned').map(({ plan }) => plan.platform)
  const atOnce = options.mandatory ? ', at once (mandatory)' : ''
  const what = `${plans[0]?.plan.release.version} for ${formatList(open)} on ${options.to}`
  if (open.length > 0) await confirm(`Put ${what}, for ${promotion.percentage} % of its devices${atOnce}?`)
  const prepared = plans.map(({ plan }) => plan)
  const placed = await carryOutEach(session, prepared, (plan) => promoteRelease(session, promotion, plan))
  output.result(resultOf(placed), () => {
    for (const rollout of placed) output.fields(rolloutFields(rollout))
  })
}

const resultOf = <T>(results: T[]) => (results.length === 1 ? results[0] : { rollouts: results })

function describe(
  { output }: Session,
  plan: PreparedPromotion,
  { channel, isOneOfSeveral }: { channel: string; isOneOfSeveral: boolean },
) {
  const { release, platform } = plan
  if (plan.kind === 'already') {
    const { id, percentage } = plan.rollout
    const reach = `for ${percentage} % of its devices`
    return output.notice(`${release.version} for ${platform} is on top of ${channel} already, ${reach}: ${id}.`)
  }
  if (isOneOfSeveral) output.notice(`Plan for ${platform}: ${release.version}`)
  for (const line of plan.lines) output.notice(line)
}

/** Of an id, its platform may be named: what it must turn out to be. */
function chooseNamed(session: Session, { release, platform, bundle }: PromoteOptions): (Platform | undefined)[] {
  if (release !== undefined) {
    if (platform === undefined || platform.length === 1) return [platform?.[0]]
    throw new UsageError('--release is of one platform. For several name it by --version.')
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
  if (release === undefined && version !== undefined) {
    return async ({ api, chooseApp }: Session, platform: Platform | undefined) =>
      findNamedRelease(api, await chooseApp(), { platform: platform as Platform, version, channel: from })
  }
  throw new UsageError('Name the release: by --release, or by --version with --platform.')
}
