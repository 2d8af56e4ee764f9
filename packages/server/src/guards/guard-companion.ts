import type { GuardDifferences } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AppRow, AppService } from '../apps/app-service.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '../database/schema.ts'
import type { ReleaseService } from '../releases/release-service.ts'
import { createRestatementReader, type SignedRestatement } from '../rollouts/restatement.ts'
import type { RolloutCompanion, RolloutRow } from '../rollouts/rollout-service.ts'
import { readBase, type PreparedRollback } from './guard-rows.ts'
import { settingsFor } from './guard-settings.ts'
import { findGuard, insertGuard, updateGuard } from './guard-store.ts'
import { findTarget, successorOf } from './previous-release.ts'

/** Gives every rollout of a release its guard, in the rollout's own transactions. */
export function createGuardCompanion({
  apps,
  releases,
  clock,
}: {
  apps: AppService
  releases: ReleaseService
  clock: Clock
}): RolloutCompanion {
  const readRestatement = createRestatementReader({ apps, releases })

  /**
   * The release before, stated again under a sequence above the new one's.
   * @throws problem rollback-target-invalid when there is no release before; those of a restatement
   */
  async function readPrepared(
    tx: Connection,
    app: AppRow,
    rollout: RolloutRow,
    signed: SignedRestatement | undefined,
  ): Promise<PreparedRollback | undefined> {
    if (!signed?.statement && !signed?.statementSignature) return undefined
    const releaseId = await findTarget(tx, successorOf(rollout))
    if (releaseId === undefined) {
      const detail = `No release was on "${rollout.channel}" before this one that a roll-back could be prepared to.`
      throw problem('rollback-target-invalid', detail)
    }
    const release = await releases.get(releaseId, tx)
    const restated = await readRestatement(tx, app, rollout.platform, release, signed)
    return restated && { releaseId, ...restated }
  }

  return {
    async placed(tx, rollout, { guard, prepared, isRollback = false }) {
      if (rollout.release_id === null) return
      const app = await apps.get(rollout.app_id, tx)
      const kept = await readPrepared(tx, app, rollout, prepared)
      await insertGuard(tx, {
        rollout_id: rollout.id,
        state: 'watching',
        settings: JSON.stringify(settingsFor(JSON.parse(app.guard) as GuardDifferences, guard, { isRollback })),
        since_at: clock.now(),
        base: JSON.stringify({ attempted: 0, sample: 0, bad: 0 }),
        looks: 0,
        last_sample: 0,
        last_bad: 0,
        last_look_at: null,
        tripped_at: null,
        figures: null,
        prepared: kept ? JSON.stringify(kept) : null,
        revision: 1,
      })
    },

    async changed(tx, before, after) {
      const isOver = after.state === 'halted' || after.state === 'withdrawn'
      const isResumed = before.state === 'paused' && after.state === 'active'
      if (!isOver && !isResumed) return
      const guard = await findGuard(tx, after.id)
      if (isOver && guard?.state === 'watching') await updateGuard(tx, guard, { state: 'over' })
      if (isResumed && guard?.state === 'tripped')
        await updateGuard(tx, guard, await rearmed(tx, after.id, clock.now()))
    },
  }
}

/** Watches as from the beginning, and from now on. */
export async function rearmed(tx: Connection, rolloutId: string, now: number) {
  const base = await readBase(tx, rolloutId, now)
  return {
    state: 'watching' as const,
    since_at: now,
    base: JSON.stringify(base),
    looks: 0,
    last_sample: 0,
    last_bad: 0,
    last_look_at: null,
  }
}
