import type { App, Impact, NewRollback } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readPercentage } from '../arguments/readers.ts'
import { mandatoryOption, withRestating, withYes, type RestatingOptions } from '../arguments/shared-options.ts'
import { withAnswerKey, type AnswerKeyOptions } from '../expo-signing/choose-answer-key.ts'
import { answersJson, sendAnswers } from '../expo-signing/answers-plan.ts'
import { findAnswerKey, planPlacementAnswers } from '../expo-signing/placement-answers.ts'
import { UsageError } from '../errors/errors.ts'
import type { Session, SessionOptions } from '../session/session.ts'
import { describeRestatement, placeRestated, restatementJson } from '../signing/restate.ts'
import { findImpact, impactLines } from './change-impact.ts'
import { findNamedRelease } from './find-release.ts'
import { planRollback } from './plan-rollback.ts'
import { rehearsedRollout, rolloutFields } from './rollout-fields.ts'
import { readGuard, withGuard, type GuardOptions } from './rollout-guard.ts'

export interface RollingBackOptions extends SessionOptions, RestatingOptions, GuardOptions, AnswerKeyOptions {
  rollout: number
  mandatory?: boolean
  dryRun?: boolean
}

/** Which devices go back, and where to: a version, or "embedded". */
export interface WayBack {
  app: App
  platform: Platform
  channel: string
  target: string
  /** Whether somebody named the target and the platform here: else the server did. */
  isNamed: boolean
}

export function withRollingBack(command: Command): Command {
  return [withRestating, withAnswerKey, withYes, withGuard]
    .reduce((built, add) => add(built), command)
    .option('--rollout <percent>', 'how many devices go back, 0 to 100', readPercentage, 100)
    .addOption(mandatoryOption())
    .option('--dry-run', 'show what it would do, signing and changing nothing')
}

export function readRollbackGuard(target: string, options: GuardOptions) {
  const guard = readGuard(options)
  if (target !== 'embedded' || guard.guard === undefined) return guard
  throw new UsageError('--to embedded has no guard: leave --guard and its limits away.')
}

/** Shows what it means for devices, asks, signs, and places the target on top of the channel. */
export async function rollBack(
  session: Session,
  { app, platform, channel, target, isNamed }: WayBack,
  options: RollingBackOptions,
): Promise<void> {
  const { rollout: percentage, mandatory = false } = options
  const guard = readRollbackGuard(target, options)
  const { api, output } = session
  const release =
    target === 'embedded' ? undefined : await findNamedRelease(api, app, { platform, channel, version: target })
  const version = target === 'embedded' || !isNamed ? undefined : target
  const mustBeNamed = Boolean(options.yes) && !isNamed
  const wanted = { app, platform, channel, release, version, mustBeNamed }
  const { restatement, warnings } = await planRollback(session, wanted, { guard: guard.guard, options })
  const to = release ? { version: release.version } : 'embedded'
  const signer = await findAnswerKey(session, app, options)
  const answers = await planPlacementAnswers(session, { app, platform, release }, signer)
  const signedBy = restatement.kind === 'signed' ? restatement.plan.key.publicKey : undefined
  const question = { change: 'roll-back', platform, channel, to, percentage, ...given({ signedBy }) } as const
  const impact = await findImpact(api, app.id, question, output)
  for (const [name, text] of Object.entries(impactLines(impact))) output.notice(`${name}: ${text}`)
  for (const text of [describeRestatement(restatement), ...warnings, ...answers.lines]) output.notice(text)
  const body: NewRollback = { platform, channel, to, percentage, mandatory, ...guard }
  const codeSigned = answers.plan && { codeSigned: answersJson(answers.plan) }
  const told = { signs: restatementJson(restatement), ...codeSigned, impact }
  if (options.dryRun) return showDryRun(session, app, body, told)
  await session.confirm(`Send ${percentage} % of the devices on ${channel} for ${platform} back to ${target}?`)
  if (answers.plan) await sendAnswers(session, answers.plan)

  const { rollout, signs } = await placeRestated(session, app, restatement, async (signed, prepared, signs) => ({
    rollout: await api.rollBack(app.id, { ...body, ...signed, ...(prepared.length > 0 && { prepared }) }),
    signs,
  }))
  output.result({ ...rollout, signs, ...codeSigned, impact: impact ?? null }, () =>
    output.fields(rolloutFields(rollout)),
  )
}

/** The server is asked to do it and to undo it again, so that what is refused is refused here, too. */
async function showDryRun(
  { api, output }: Session,
  app: App,
  body: NewRollback,
  { signs, impact, ...more }: { signs: unknown[]; codeSigned?: unknown; impact: Impact | undefined },
) {
  const rollout = rehearsedRollout(await api.rollBack(app.id, { ...body, dryRun: true }), signs)
  output.result({ ...rollout, ...more, impact: impact ?? null }, () =>
    output.notice('Nothing was signed, and nothing changed.'),
  )
}
