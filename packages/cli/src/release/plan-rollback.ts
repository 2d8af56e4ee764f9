import type { App, NewRollout, Release, Rollout } from '@hotpatch/api'
import type { RestatingOptions } from '../arguments/shared-options.ts'
import type { Session } from '../session/session.ts'
import { prepareRollbacks } from '../signing/prepared-rollbacks.ts'
import { planRestatement, type OldTarget, type Restatement } from '../signing/restate.ts'
import { planSigning } from '../signing/signing-plan.ts'
import { guardSettings } from './rollout-guard.ts'

/** What a roll-back signs: what it goes back to, and then where its own guard may go back to. */
export interface RollbackSigning {
  restatement: Restatement
  /** Why there are fewer steps back than there could be. */
  warnings: readonly string[]
}

/** @throws CommandError when the server's copy of an old statement cannot be trusted */
export async function planRollback(
  session: Session,
  target: OldTarget,
  { guard, options }: { guard: NewRollout['guard']; options: RestatingOptions },
): Promise<RollbackSigning> {
  const restatement = await planRestatement(session, target, options)
  const { app, platform, channel, release } = target
  if (restatement.kind === 'unsigned' || !release || !goesBack(app, guard)) return { restatement, warnings: [] }
  const { key, contents: own } = restatement.plan
  const steps = await findSteps(session, { app, platform, channel, release })
  const newFloor = Math.max(0, ...own.map(({ floor }) => floor))
  const { contents, warnings } = await prepareRollbacks(session, steps, key, { backTo: undefined, newFloor })
  if (contents.length === 0) return { restatement, warnings }
  const plan = await planSigning(session, { app, platform }, key, [...own, ...contents], options)
  return { restatement: { kind: 'signed', plan }, warnings }
}

function goesBack(app: App, guard: NewRollout['guard']): boolean {
  const { isOn, action } = guardSettings(app, guard)
  return isOn && action === 'roll-back'
}

async function findSteps(
  { api }: Session,
  { app, platform, channel, release }: Pick<Rollout, 'platform' | 'channel'> & { app: App; release: Release },
) {
  const target = await api.getGuardTarget(app.id, { platform, channel, releaseId: release.id })
  return { app, platform, channel, target, endsAtEmbedded: true }
}
