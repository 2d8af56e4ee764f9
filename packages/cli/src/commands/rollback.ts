import { DEFAULT_CHANNEL, type App, type Impact, type NewRollback } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readChannel, readPercentage, readPlatform, readVersion } from '../arguments/readers.ts'
import {
  mandatoryOption,
  serverCommand,
  withApp,
  withRestating,
  withYes,
  type RestatingOptions,
} from '../arguments/shared-options.ts'
import { given } from '../arguments/given.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { findNamedRelease } from '../release/find-release.ts'
import { findImpact, impactLines } from '../release/change-impact.ts'
import { planRollback } from '../release/plan-rollback.ts'
import { rehearsedRollout, rolloutFields } from '../release/rollout-fields.ts'
import { readGuard, withGuard, type GuardOptions } from '../release/rollout-guard.ts'
import { choosePlatform } from '../release/several-platforms.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { describeRestatement, placeRestated, restatementJson } from '../signing/restate.ts'

interface RollbackOptions extends SessionOptions, RestatingOptions, GuardOptions {
  platform?: Platform
  channel?: string
  version?: string
  to?: string
  rollout: number
  mandatory?: boolean
  dryRun?: boolean
}

const readTarget = (text: string) => (text === 'embedded' ? text : readVersion(text))

export function addRollbackCommand(program: Command, context: CliContext) {
  const parts = [withApp, withRestating, withYes, withGuard]
  serverCommand(program, 'rollback', 'makes an earlier version the active one', ...parts)
    .option('--platform <platform>', 'of which platform, one at a time', readPlatform)
    .option(
      '--channel <channel>',
      'production when absent; named with --yes when hotpatch.json has another',
      readChannel,
    )
    .option('--version <version>', 'back to this version', readVersion)
    .option('--to <target>', 'back to this version, or to "embedded": what the app binary shipped with', readTarget)
    .option('--rollout <percent>', 'how many devices go back, 0 to 100', readPercentage, 100)
    .addOption(mandatoryOption())
    .option('--dry-run', 'show what it would do, signing and changing nothing')
    .action((options: RollbackOptions) => rollBack(context, options))
}

async function rollBack(context: CliContext, options: RollbackOptions) {
  const { rollout: percentage, mandatory = false } = options
  const target = readTargetOptions(options)
  const guard = readGuard(options)
  if (target === 'embedded' && guard.guard !== undefined) {
    throw new UsageError('--to embedded has no guard: leave --guard and its limits away.')
  }
  const session = await openSession(context, options)
  const { api, output, project } = session
  const platform = choosePlatform(options.platform, project)
  const channel = chooseChannel(session, options)
  if (!options.dryRun) session.requireConsent()
  const app = await session.chooseApp()
  const release =
    target === 'embedded' ? undefined : await findNamedRelease(api, app, { platform, channel, version: target })
  const version = target === 'embedded' ? undefined : target
  const place = { channel, guard: guard.guard, options }
  const { restatement, warnings } = await planRollback(session, { app, platform, release, version }, place)
  const to = release ? { version: release.version } : 'embedded'
  const signedBy = restatement.kind === 'signed' ? restatement.plan.key.publicKey : undefined
  const question = { change: 'roll-back', platform, channel, to, percentage, ...given({ signedBy }) } as const
  const impact = await findImpact(api, app.id, question, output)
  for (const [name, text] of Object.entries(impactLines(impact))) output.notice(`${name}: ${text}`)
  for (const text of [describeRestatement(restatement), ...warnings]) output.notice(text)
  const body: NewRollback = { platform, channel, to, percentage, mandatory, ...guard }
  if (options.dryRun) return showDryRun(session, app, body, { signs: restatementJson(restatement), impact })
  await session.confirm(`Send ${percentage} % of the devices on ${channel} for ${platform} back to ${target}?`)

  const { rollout, signs } = await placeRestated(session, app, restatement, async (signed, prepared, signs) => ({
    rollout: await api.rollBack(app.id, { ...body, ...signed, ...(prepared.length > 0 && { prepared }) }),
    signs,
  }))
  output.result({ ...rollout, signs, impact: impact ?? null }, () => output.fields(rolloutFields(rollout)))
}

/** The server is asked to do it and to undo it again, so that what is refused is refused here, too. */
async function showDryRun(
  { api, output }: Session,
  app: App,
  body: NewRollback,
  { signs, impact }: { signs: unknown[]; impact: Impact | undefined },
) {
  const rollout = rehearsedRollout(await api.rollBack(app.id, { ...body, dryRun: true }), signs)
  output.result({ ...rollout, impact: impact ?? null }, () => output.notice('Nothing was signed, and nothing changed.'))
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
