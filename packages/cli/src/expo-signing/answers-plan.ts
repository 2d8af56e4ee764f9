import type { App, Release, Rollout } from '@hotpatch/api'
import { writeExpoDirective, writeExpoTime, type Platform } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { formatList } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { persistently } from '../upload/retry.ts'
import type { AnswerSigner } from './choose-answer-key.ts'
import { findSignable } from './find-signable.ts'
import type { SignableUpdate } from './signable-update.ts'

/** What will be signed for Expo's clients of one platform, each a moment later than the one before it (Expo §11). */
export interface AnswersPlan {
  app: App
  platform: 'android' | 'ios'
  signer: AnswerSigner
  /** And last of all, embedded. */
  updates: readonly SignableUpdate[]
  /** What cannot be signed, and why. */
  warnings: readonly string[]
}

/** In force on a channel, uppermost first; null: embedded. */
export interface InForce {
  rollout: Rollout
  release: Release | null
}

/** So far one goes back by itself: nobody is to sign a whole history. */
const MAX_STEPS = 4
const PAGE = 200
/** A clock that is further behind is told of. */
const ASKEW_MS = 5 * 60_000

export function isExpoPlatform(platform: Platform): platform is AnswersPlan['platform'] {
  return platform === 'android' || platform === 'ios'
}

/** Down to what is for everybody, for each runtime version. */
export async function listInForce(
  { api }: Session,
  { app, platform, channel }: { app: App; platform: Platform; channel: string },
): Promise<InForce[]> {
  const { items } = await api.listRollouts(app.id, { channel, limit: PAGE })
  const open = items
    .filter((rollout) => rollout.platform === platform || rollout.platform === 'any')
    .filter(({ state }) => state === 'active' || state === 'paused')
    .sort((a, b) => b.position - a.position)
  const found: InForce[] = []
  const covered = new Set<string | undefined>()
  for (const rollout of open) {
    if (found.length === MAX_STEPS) break
    const release = rollout.releaseId === null ? null : await api.getRelease(rollout.releaseId)
    const runtimeVersion = release?.requirement.runtimeVersion
    if (covered.has(runtimeVersion) || found.some(({ rollout: { releaseId } }) => releaseId === rollout.releaseId)) {
      continue
    }
    found.push({ rollout, release })
    const isForAll = rollout.percentage === 100 && rollout.rules.length === 0 && rollout.state === 'active'
    if (!release && isForAll) break
    if (isForAll) covered.add(runtimeVersion)
  }
  return found
}

/**
 * @param first what is placed now
 * @param others to which one may go back, next first: those that cannot be signed are told of
 */
export async function planAnswers(
  session: Session,
  place: Pick<AnswersPlan, 'app' | 'platform' | 'signer'>,
  { first, others }: { first: readonly SignableUpdate[]; others: readonly Release[] },
): Promise<AnswersPlan> {
  const updates = [...first]
  const warnings: string[] = []
  for (const release of others) {
    const found = await findSignable(session, { ...place, release }, place.signer)
    if ('update' in found) updates.push(found.update)
    else warnings.push(`Expo apps with a certificate have no way to ${release.version}. ${found.reason}`)
  }
  return { ...place, updates, warnings }
}

export function describeAnswers({ updates, signer: { key } }: AnswersPlan): string {
  const [first, ...others] = [...updates.map(({ version }) => version), 'embedded']
  const back = others.length === 0 ? '' : `, with the ways back to ${formatList(others)}`
  return `${first}${back}, for Expo apps, by the key "${key.keyId}" (${key.certificatePath})`
}

/** For `--json`. */
export function answersJson({ updates, signer: { key } }: AnswersPlan) {
  return { keyId: key.keyId, signs: [...updates.map(({ version }) => version), 'embedded'] }
}

/** Signs all of it, and sends it. It is there before what it is about is placed, so that no device waits for it. */
export async function sendAnswers(session: Session, plan: AnswersPlan): Promise<void> {
  const { app, platform, signer, updates } = plan
  const { key } = signer
  const at = await nextTime(session, plan)
  const assetsUrl = signer.assetsUrl(app)
  const commitTime = writeExpoTime(at + updates.length)
  const bodies = [
    ...updates.map((update, index) => update.write(at + index, assetsUrl)),
    writeExpoDirective({ type: 'rollBackToEmbedded', parameters: { commitTime } }),
  ]
  const answers = bodies.map((body) => ({ body, signature: key.sign(body) }))
  const input = { platform, keyId: key.keyId, certificate: key.certificate, ...given({ chain: key.chain }), answers }
  await persistently(session, () => session.api.addSignedAnswers(app.id, input))
}

/** Later than all that was signed before, wherever that was. */
async function nextTime(
  { api, context, output }: Session,
  { app, platform }: Pick<AnswersPlan, 'app' | 'platform'>,
): Promise<number> {
  const { items } = await api.listSignedAnswers(app.id, { platform })
  const now = context.now().getTime()
  const latest = Math.max(0, ...items.map(({ answeredAt }) => Date.parse(answeredAt)))
  if (latest > now + ASKEW_MS) {
    const found = `${writeExpoTime(latest)}, and here it is ${writeExpoTime(now)}`
    output.notice(`! The last answer for Expo apps was signed for ${found}: one of the clocks is wrong.`)
  }
  return Math.max(now, latest + 1)
}
