import type { Connection } from '../../ground/database/schema.ts'
import type { Sampling } from '../../fleet/progress/sampling.ts'
import { listEarlierRollouts, type EarlierRollout, type RolloutPlace } from '../rollouts/rollout-queries.ts'
import type { HealthSample } from './judge-health.ts'

/** The rollout before which something was. */
export interface Successor {
  place: RolloutPlace
  position: number
  /** Null: none yet. */
  releaseId: string | null
  experimentId: string | null
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
 * The release that a roll-back goes to: the newest earlier one that is for everybody and that nothing was found
 * against. If there is none, the newest earlier one. Undefined: only what the binary shipped with was there before.
 */
export async function findTarget(db: Connection, from: Successor): Promise<string | undefined> {
  return (await findTargets(db, from))[0]
}

/** The release that a roll-back goes to, and the one that the next roll-back would go to from there. */
export async function findTargets(db: Connection, { place, ...from }: Successor): Promise<string[]> {
  const sound = (await listEarlierRollouts(db, place, from)).filter(({ isSound }) => isSound)
  const first = sound.find(({ isForAll }) => isForAll) ?? sound[0]
  if (!first) return []
  const below = sound.filter(({ position, releaseId }) => position < first.position && releaseId !== first.releaseId)
  const second = below.find(({ isForAll }) => isForAll) ?? below[0]
  return second ? [first.releaseId, second.releaseId] : [first.releaseId]
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
