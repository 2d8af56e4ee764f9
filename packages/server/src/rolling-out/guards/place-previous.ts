import type { GuardSettings, GuardTrip } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { Author } from '../../people/authors/author.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Change } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'
import type { AppService } from '../../shipping/apps/app-service.ts'
import type { ReleaseService } from '../../shipping/releases/release-service.ts'
import { hasNewerRollout } from '../rollouts/rollout-queries.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
import { findWayBack, successorOf, type WayBack } from './previous-release.ts'
import { listStepsBack } from './step-back-store.ts'

export interface PlacedPrevious {
  /** The new rollout; null: halting is enough, or only what the binary shipped with was there before. */
  placed: RolloutRow | null
  passedOver: GuardTrip['passedOver']
}

export const PLACED_NOTHING: PlacedPrevious = { placed: null, passedOver: [] }

export type PlacePrevious = ReturnType<typeof createPlacePrevious>

/** What is placed when a rollout is halted because of its release: by its guard, or by a person who wants the same. */
export function createPlacePrevious({
  apps,
  releases,
  rollouts,
  clock,
}: {
  apps: AppService
  releases: ReleaseService
  rollouts: RolloutService
  clock: Clock
}) {
  /**
   * For the very devices that the halted rollout was for.
   * @param settings of the halted rollout's guard; undefined: it has none
   */
  return async function placePrevious(
    tx: Connection,
    change: Change,
    halted: RolloutRow,
    settings: GuardSettings | undefined,
    author: Author,
  ): Promise<PlacedPrevious> {
    const way = await findStepBack(tx, halted, clock.now())
    if (!way) return PLACED_NOTHING
    const { releaseId, step, passedOver } = way
    const restated = step?.statement
    // What the binary shipped with: there halted releases go anyway (D6), unless a floor keeps devices from it.
    if (releaseId === null && !restated) return { placed: null, passedOver }
    // Devices take from now on only what comes after.
    const prepared = restated ? await listStepsBack(tx, halted.id) : []
    const stepsBack = prepared.filter(({ statement }) => restated && statement.sequence > restated.sequence)
    const app = await apps.get(halted.app_id, tx)
    const { platform, channel, salt, buckets, drawing, percentage } = halted
    const { devices, cohorts, rules, slice } = rollouts.render(halted)
    const placed = await rollouts.place(
      tx,
      change,
      app,
      {
        platform,
        channel,
        salt,
        buckets,
        drawing,
        percentage,
        devices,
        cohorts,
        rules,
        ...(slice && { slice }),
        release: releaseId === null ? null : await releases.get(releaseId, tx),
        restated,
        stepsBack,
        // Whoever signed a further step wants it watched as this one was.
        ...(stepsBack.length > 0 && settings && { guard: settings }),
        mandatory: halted.mandatory === 1,
        isRollback: true,
      },
      author,
      'rollout.rolled-back',
    )
    // Published meanwhile: positions are given one after the other, so from here on nothing can come in between.
    if (await hasNewerRollout(tx, halted, clock.now(), placed.position))
      throw problem('rollout-state', 'Something newer was published a moment ago: look at the channel again.')
    return { placed, passedOver }
  }
}

/**
 * Undefined when something newer is in force above it: halting is enough then, as the way of its devices is forward, and
 * a roll-back on top would take the newer one from everybody.
 */
export async function findStepBack(db: Connection, rollout: RolloutRow, now: number): Promise<WayBack | undefined> {
  if (await hasNewerRollout(db, rollout, now)) return undefined
  return findWayBack(db, successorOf(rollout), await listStepsBack(db, rollout.id))
}
