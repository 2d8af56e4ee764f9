import { DEFAULT_CHANNEL, type App } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import {
  answersJson,
  describeAnswers,
  isExpoPlatform,
  listInForce,
  planAnswers,
  sendAnswers,
  type AnswersPlan,
} from './answers-plan.ts'
import { chooseAnswerKey, requireOwnKeyId, type AnswerKeyOptions, type AnswerSigner } from './choose-answer-key.ts'

export interface SignInForceOptions extends SessionOptions, AnswerKeyOptions {
  platform?: Platform[]
  channel?: string
  dryRun?: boolean
}

/** For devices that have something later than all that was signed of what they are to get. */
export async function signInForce(context: CliContext, options: SignInForceOptions): Promise<void> {
  const session = await openSession(context, options)
  const { output, project } = session
  if (!options.dryRun) session.requireConsent()
  const signer = await chooseAnswerKey(session, options)
  if (!signer) {
    const advice = `Its app.json names it: ${context.programName} expo configure --certificate certs/certificate.pem`
    throw new UsageError(
      `Expected an Expo app in ${context.cwd} with a certificate, whose key is to sign; found none. ${advice}`,
    )
  }
  const app = await session.chooseApp()
  await requireOwnKeyId(session, app, signer)
  const channel = options.channel ?? project?.defaults.channel ?? DEFAULT_CHANNEL
  const plans: AnswersPlan[] = []
  for (const platform of platformsOf(app, options)) {
    plans.push(await planInForce(session, { app, platform, signer }, channel))
  }
  for (const plan of plans) {
    output.notice(`For ${plan.platform} on ${channel}: ${describeAnswers(plan)}`)
    for (const warning of plan.warnings) output.notice(`! ${warning}`)
  }
  const signed = plans.map((plan) => ({ platform: plan.platform, channel, ...answersJson(plan) }))
  if (options.dryRun) return output.result(signed, () => output.notice('Nothing was signed.'))
  const named = formatList(plans.map(({ platform }) => platform))
  await session.confirm(`Sign this for Expo apps on ${channel} for ${named}?`)
  for (const plan of plans) await sendAnswers(session, plan)
  output.result(signed, () => output.notice('Signed.'))
}

async function planInForce(
  session: Session,
  place: { app: App; platform: AnswersPlan['platform']; signer: AnswerSigner },
  channel: string,
): Promise<AnswersPlan> {
  const inForce = await listInForce(session, { ...place, channel })
  if (inForce.length === 0) {
    throw new CommandError(
      'nothing-in-force',
      `Nothing is in force on ${channel} for ${place.platform}: publish first.`,
    )
  }
  return planAnswers(session, place, { first: [], others: inForce.flatMap(({ release }) => release ?? []) })
}

function platformsOf({ platforms }: App, { platform }: SignInForceOptions): AnswersPlan['platform'][] {
  const found = (platform ?? platforms).filter(isExpoPlatform)
  if (found.length > 0 && (platform === undefined || found.length === platform.length)) return found
  throw new UsageError(`Expected android or ios, which Expo's clients are of, found ${(platform ?? platforms).join()}.`)
}
