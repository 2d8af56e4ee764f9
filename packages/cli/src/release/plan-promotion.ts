import type { App, NewRollout, Release } from '@hotpatch/api'
import type { RestatingOptions } from '../arguments/shared-options.ts'
import { guardSettings } from './rollout-guard.ts'
import type { Session } from '../session/session.ts'
import { chooseKey } from '../signing/choose-key.ts'
import { prepareRollbacks } from '../signing/prepared-rollbacks.ts'
import { canBeVerified, planPlacement, type OldTarget } from '../signing/restate.ts'
import type { SignedStatement } from '../signing/sign-statement.ts'
import { carryOutSigning, planSigning, signingJson, signingLines, type SigningPlan } from '../signing/signing-plan.ts'

/** What a promotion signs: the release again, unless it is the newest, and what its guard may go back to. */
export interface PromotionSigning {
  /** Undefined: nothing is signed, and why. */
  plan: SigningPlan | undefined
  reason: string
  /** Whether the first statement of the plan is the release's own. */
  restates: boolean
  warnings: readonly string[]
}

/** @throws CommandError when the server's copy of an old statement cannot be trusted */
export async function planPromotion(
  session: Session,
  target: OldTarget & { app: App; release: Release },
  { guard, options }: { guard: NewRollout['guard']; options: RestatingOptions },
): Promise<PromotionSigning> {
  const { app, platform, channel, release } = target
  const own = await planPlacement(session, target, options)
  const unprepared: PromotionSigning = {
    plan: own.kind === 'signed' ? own.plan : undefined,
    reason: own.kind === 'signed' ? '' : own.reason,
    restates: own.kind === 'signed',
    warnings: [],
  }
  const { isOn, action } = guardSettings(app, guard)
  if (!isOn || action !== 'roll-back') return unprepared
  if (app.signing === 'optional' && release.content.kind !== 'kit') return unprepared
  const signing = canBeVerified(app, await chooseKey(session, app, options))
  if (signing.kind === 'unsigned') return unprepared
  const found = await session.api.getGuardTarget(app.id, { platform, channel, releaseId: release.id })
  const old = { app, platform, channel, target: found }
  const steps = await prepareRollbacks(session, old, signing.key, { backTo: undefined, newFloor: release.floor })
  const { contents, warnings } = steps
  if (contents.length === 0) return { ...unprepared, warnings }
  const all = [...(unprepared.plan?.contents ?? []), ...contents]
  const plan = await planSigning(session, { app, platform }, signing.key, all, options)
  return { plan, reason: '', restates: unprepared.restates, warnings }
}

/** For a person who has to say yes or no. */
export function describePromotion({ plan, reason, restates, warnings }: PromotionSigning): string {
  if (!plan) return [`Not signed: ${reason}.`, ...warnings].join('\n')
  const { Signed = '', ...statements } = signingLines(plan)
  const names = plan.contents.map((_, index) => nameOf(index, restates))
  const lines = Object.values(statements).map((text, index) => `${names[index]}: ${text}`)
  return [`Signed: ${Signed}`, ...lines, ...warnings].join('\n')
}

function nameOf(index: number, restates: boolean): string {
  if (restates && index === 0) return 'Signs'
  return `In advance ${restates ? index : index + 1}`
}

/** For `--json`: everything that is signed, or would be. */
export function promotionSigns({ plan }: PromotionSigning) {
  return plan ? signingJson(plan) : []
}

/** Carries it out: `send` gets what belongs to the placement's body, and what is signed. */
export async function placePromoted<T>(
  session: Session,
  app: App,
  { plan, restates }: PromotionSigning,
  send: (
    signed: Partial<SignedStatement> & Pick<NewRollout, 'prepared'>,
    signs: ReturnType<typeof signingJson>,
  ) => Promise<T>,
): Promise<T> {
  if (!plan) return send({}, [])
  return carryOutSigning(session, app, plan, (signed, sequence) => {
    const own = restates ? signed[0] : undefined
    const prepared = restates ? signed.slice(1) : signed
    const signs = signingJson({ ...plan, sequence })
    return send({ ...own, ...(prepared.length > 0 && { prepared }) }, signs)
  })
}
