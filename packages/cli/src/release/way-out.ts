import type { Impact, Rollout } from '@hotpatch/api'
import type { KeyOptions } from '../arguments/shared-options.ts'
import { CommandError } from '../errors/errors.ts'
import { formatVersion } from '../output/figures.ts'
import type { Session } from '../session/session.ts'
import { describeRestatement, placeRestated, type restatementJson } from '../signing/restate.ts'
import { describeWayOut } from './change-impact.ts'
import { findNamedRelease } from './find-release.ts'
import { planRollback } from './plan-rollback.ts'

export interface WayOutOptions extends KeyOptions {
  yes?: boolean
  /** A version, or "embedded": what the user wants to be placed again. */
  restate?: string
}

/** Old content that will be placed on top before a rollout is taken back, so that no device is left behind. */
export interface PlannedWayOut {
  place(): Promise<Rollout & { signs: ReturnType<typeof restatementJson> }>
}

/**
 * What a person decides to place again, by naming it or by saying yes. Nothing is sent yet.
 * @param rollout the one that is to be taken back
 * @throws CommandError when what was named cannot be stated again
 */
export async function planWayOut(
  session: Session,
  rollout: Rollout,
  impact: Impact | undefined,
  options: WayOutOptions,
): Promise<PlannedWayOut | undefined> {
  const { output } = session
  const suggested = impact !== undefined && impact.stranded + impact.dropped > 0 ? impact.wayOut : null
  if (suggested) output.notice(`Way out: ${describeWayOut(suggested)}.`)
  const version = options.restate ?? (suggested ? formatVersion(suggested.version) : undefined)
  if (version === undefined) return undefined
  if (options.restate === undefined && options.yes) {
    const otherwise = impact && impact.stranded > 0 ? 'are left where they are' : 'go to what the binary shipped with'
    output.notice(`They ${otherwise}: to place it in the same go, add --restate ${version}.`)
    return undefined
  }
  const planned = await planPlacingAgain(session, rollout, version, options)
  for (const text of [describeRestatement(planned.restatement), ...planned.warnings]) output.notice(text)
  const isWanted = options.restate !== undefined || (await session.ask(`Place ${version} again first?`))
  return isWanted ? planned.placing(suggested?.percentage ?? 100) : undefined
}

async function planPlacingAgain(session: Session, rollout: Rollout, version: string, options: KeyOptions) {
  const { api } = session
  const { platform, channel } = rollout
  const app = await session.getApp(rollout.appId)
  const isEmbedded = version === 'embedded'
  const release = isEmbedded ? undefined : await findNamedRelease(api, app, { platform, channel, version })
  const named = isEmbedded ? {} : { version }
  // Watched as the one that is taken back was.
  const guard = release && rollout.guard ? { isOn: rollout.guard.isOn, action: rollout.guard.action } : undefined
  const target = { app, platform, channel, release, ...named }
  const { restatement, warnings } = await planRollback(session, target, { guard, options })
  if (restatement.kind === 'unsigned' && app.signing === 'required') {
    throw new CommandError('not-signed', `${version} has to be stated again, signed: ${restatement.reason}.`)
  }
  const placing = (percentage: number): PlannedWayOut => ({
    place: () =>
      placeRestated(session, app, restatement, async (signed, prepared, signs) => ({
        ...(await api.rollBack(app.id, {
          platform,
          channel,
          to: release ? { releaseId: release.id } : 'embedded',
          percentage,
          ...(guard && { guard }),
          ...signed,
          ...(prepared.length > 0 && { prepared }),
        })),
        signs,
      })),
  })
  return { restatement, warnings, placing }
}
