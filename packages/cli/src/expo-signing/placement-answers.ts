import type { App, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { describeAnswers, isExpoPlatform, planAnswers, type AnswersPlan } from './answers-plan.ts'
import { chooseAnswerKey, requireOwnKeyId, type AnswerKeyOptions, type AnswerSigner } from './choose-answer-key.ts'
import { findSignable } from './find-signable.ts'

/** Of something that is placed anew: an older release, or embedded. */
export interface PlacementAnswers {
  /** Undefined: nothing is signed. */
  plan: AnswersPlan | undefined
  /** For a person who has to say yes or no. */
  lines: readonly string[]
}

const NOTHING: PlacementAnswers = { plan: undefined, lines: [] }

/** Whoever places something in a hurry is not stopped by a key that lies elsewhere: what was signed in advance may do. */
export async function findAnswerKey(session: Session, app: App, options: AnswerKeyOptions) {
  try {
    const signer = await chooseAnswerKey(session, options)
    if (signer) await requireOwnKeyId(session, app, signer)
    return signer
  } catch (error) {
    const isNamed = options.privateKeyPath !== undefined
    if (isNamed || !(error instanceof CommandError) || error.type !== 'key-missing') throw error
    session.output.notice(`! ${error.message}`)
    return undefined
  }
}

/**
 * What is signed when something is placed anew, or, where no key is here, what Expo's clients with a certificate will see
 * by what was signed in advance.
 */
export async function planPlacementAnswers(
  session: Session,
  { app, platform, release }: { app: App; platform: Platform; release: Release | undefined },
  signer: AnswerSigner | undefined,
): Promise<PlacementAnswers> {
  if (!isExpoPlatform(platform) || (release && release.content.kind !== 'files')) return NOTHING
  if (!signer) return { plan: undefined, lines: await describePrepared(session, { app, platform, release }) }
  if (!release) return signedOf(await planAnswers(session, { app, platform, signer }, { first: [], others: [] }))
  const found = await findSignable(session, { app, platform, release }, signer)
  if ('update' in found) {
    return signedOf(await planAnswers(session, { app, platform, signer }, { first: [found.update], others: [] }))
  }
  const lines = [`! Expo apps with a certificate keep what they have. ${found.reason}`]
  return { plan: undefined, lines }
}

function signedOf(plan: AnswersPlan): PlacementAnswers {
  return { plan, lines: [`Code signed: ${describeAnswers(plan)}`] }
}

/** Clients take only what is later than what they have. */
async function describePrepared(
  { api, context }: Session,
  { app, platform, release }: { app: App; platform: AnswersPlan['platform']; release: Release | undefined },
): Promise<string[]> {
  const { items } = await api.listSignedAnswers(app.id, { platform })
  if (items.length === 0) return []
  const sha256 = release?.content.kind === 'files' ? release.content.sha256 : null
  const isOfTarget = (item: (typeof items)[number]) =>
    sha256 === null ? item.says === 'roll-back' : item.sha256 === sha256
  const latestOf = (those: typeof items) => Math.max(0, ...those.map(({ answeredAt }) => Date.parse(answeredAt)))
  const prepared = latestOf(items.filter(isOfTarget))
  const others = latestOf(items.filter((item) => item.says === 'update' && !isOfTarget(item)))
  const name = release?.version ?? 'embedded'
  const advice = `Sign it where the key is: ${context.programName} expo sign.`
  if (prepared > others) return [`Code signed: ${name}, in advance, for Expo apps with a certificate.`]
  const found = prepared === 0 ? 'nothing was signed' : 'what was signed is earlier than what many have'
  return [`! Expo apps with a certificate keep what they have: of ${name} ${found}. ${advice}`]
}
