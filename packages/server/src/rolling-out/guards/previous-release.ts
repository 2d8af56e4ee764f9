import type { GuardTrip } from '@hotpatch/api'
import type { Connection } from '../../ground/database/schema.ts'
import type { Sampling } from '../../fleet/progress/sampling.ts'
import type { EarlierRollout, LaterRollout } from '../rollouts/earlier-rollouts.ts'
import type { StepBack } from '../rollouts/placement.ts'
import { listEarlierRollouts, type RolloutPlace } from '../rollouts/rollout-queries.ts'
import type { HealthSample } from './judge-health.ts'

export interface Successor extends LaterRollout {
  place: RolloutPlace
}

/** One that would be placed now. */
export function nextSuccessor(place: RolloutPlace): Successor {
  return { place, position: Number.MAX_SAFE_INTEGER, releaseId: null, experimentId: null }
}

export function successorOf(rollout: {
  app_id: string
  platform: RolloutPlace['platform']
  channel: string
  position: number
  release_id: string | null
  experiment_id: string | null
}): Successor {
  const { app_id: appId, platform, channel, position } = rollout
  const { release_id: releaseId, experiment_id: experimentId } = rollout
  return { place: { appId, platform, channel }, position, releaseId, experimentId }
}

/**
 * The releases that a roll-back may go to, the best first: the newest earlier one that is for everybody and that nothing
 * was found against, then the others like it, then those that were for some. None: only what the binary shipped with was
 * there before.
 */
function targetsAmong(earlier: readonly EarlierRollout[]): EarlierRollout[] {
  const sound = earlier.filter(({ isSound }) => isSound)
  return [...sound.filter(({ isForAll }) => isForAll), ...sound.filter(({ isForAll }) => !isForAll)]
}

/** The release that a roll-back goes to, and the one that the next roll-back would go to from there. */
export async function findTargets(db: Connection, from: Successor): Promise<string[]> {
  const [first] = targetsAmong(await listEarlierRollouts(db, from.place, from))
  if (!first) return []
  const { position, releaseId } = first
  const further = await listEarlierRollouts(db, from.place, { position, releaseId, experimentId: null })
  const second = targetsAmong(further).find((target) => target.releaseId !== from.releaseId)
  return second ? [releaseId, second.releaseId] : [releaseId]
}

/** Where a guard goes back to, and how its publisher stated that in advance. */
export interface WayBack {
  /** Null: what the binary shipped with. */
  releaseId: string | null
  /** Undefined: nobody did, so that devices may refuse it. */
  step: StepBack | undefined
  /** Newer releases that it goes past, newest first, and why. */
  passedOver: PassedOver[]
}

type PassedOver = GuardTrip['passedOver'][number]

/** More are not told. */
const MAX_PASSED_OVER = 10

/** To what its publisher prepared, as long as nothing was found against it since; else to what was before. */
export async function findWayBack(db: Connection, from: Successor, prepared: readonly StepBack[]): Promise<WayBack> {
  const earlier = await listEarlierRollouts(db, from.place, from)
  const targets = targetsAmong(earlier)
  const step = prepared.find(({ releaseId }) =>
    releaseId === null ? targets.length === 0 : targets.some((target) => target.releaseId === releaseId),
  )
  const releaseId = step ? step.releaseId : (targets[0]?.releaseId ?? null)
  return { releaseId, step, passedOver: passedOver(earlier, releaseId) }
}

function passedOver(earlier: readonly EarlierRollout[], target: string | null): PassedOver[] {
  const past = new Map<string, PassedOver>()
  for (const { releaseId, version, harm, isForAll } of earlier) {
    if (releaseId === target) break
    if (past.has(releaseId) || past.size === MAX_PASSED_OVER) continue
    past.set(releaseId, { version, reason: harm ?? (isForAll ? 'not-prepared' : 'for-some') })
  }
  return [...past.values()]
}

/**
 * How the release before fared, in all its rollouts there and all its time: the newest that at least `minimumSample`
 * believed devices attempted and that was not taken back.
 */
export async function findBaseline(
  db: Connection,
  sampling: Sampling,
  { place, ...from }: Successor,
  minimumSample: number,
): Promise<HealthSample | null> {
  const standing = (await listEarlierRollouts(db, place, from)).filter(({ isStanding }) => isStanding)
  const figures = await sampling.readBounded(
    db,
    standing.map(({ id }) => id),
  )
  for (const rollouts of Map.groupBy(standing, ({ releaseId }: EarlierRollout) => releaseId).values()) {
    const sum = (counter: 'attempted' | 'bad') =>
      rollouts.reduce((total, { id }) => total + (figures.get(id)?.[counter] ?? 0), 0)
    const sample = sum('attempted')
    if (sample >= minimumSample) return { sample, bad: sum('bad') }
  }
  return null
}
