import type { GuardDifferences } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { statedContent, type ReleaseService } from '../../shipping/releases/release-service.ts'
import type { Placement, StepBack } from '../rollouts/placement.ts'
import type { StatementService } from '../../shipping/signing/statement-service.ts'
import type { RolloutCompanion, RolloutRow } from '../rollouts/rollout-service.ts'
import { NO_BASE, readBase } from './guard-rows.ts'
import { settingsFor } from './guard-settings.ts'
import { findGuard, insertGuard, updateGuard } from './guard-store.ts'
import { insertStepsBack } from './step-back-store.ts'
import { findTargets, successorOf } from './previous-release.ts'

/** Gives every rollout of a release its guard, in the rollout's own transactions. */
export function createGuardCompanion({
  apps,
  releases,
  statements,
  clock,
}: {
  apps: AppService
  releases: ReleaseService
  statements: StatementService
  clock: Clock
}): RolloutCompanion {
  /**
   * What was before, stated again under sequences above the new one's: first the release before, then the one before
   * that, or what the binary shipped with when there is none. A roll-back to the first release has that alone before it.
   * @throws problem rollback-target-invalid when there is nothing before, or no more; those of a restatement
   */
  async function readPrepared(
    tx: Connection,
    app: AppRow,
    rollout: RolloutRow,
    { prepared: signed = [], isRollback = false }: Pick<Placement, 'prepared' | 'isRollback'>,
  ): Promise<StepBack[]> {
    if (signed.length === 0) return []
    const targets = await findTargets(tx, successorOf(rollout))
    if (signed.length > targets.length + 1) {
      const detail = `Before this one "${rollout.channel}" had ${targets.length} releases and what the binary shipped with: expected at most ${targets.length + 1} steps back, found ${signed.length}.`
      throw problem('rollback-target-invalid', detail)
    }
    if (targets.length === 0 && !isRollback) {
      const detail = `No release was on "${rollout.channel}" before this one that a roll-back could be prepared to.`
      throw problem('rollback-target-invalid', detail)
    }
    const steps: StepBack[] = []
    // One after the other: each takes a sequence above the one before.
    for (const [index, step] of signed.entries()) {
      const releaseId = targets[index] ?? null
      const release = releaseId === null ? null : await releases.get(releaseId, tx)
      const content = await statedContent(tx, app.id, rollout, release)
      const statement = await statements.takeRestated(tx, app, content, step)
      if (!statement) throw problem('invalid-request', 'Expected the nearer roll-back too, found only the earlier one.')
      steps.push({ releaseId, statement })
    }
    return steps
  }

  return {
    async placed(tx, rollout, placement) {
      const { guard, stepsBack, isRollback = false } = placement
      if (rollout.release_id === null) return
      const app = await apps.get(rollout.app_id, tx)
      const kept = stepsBack ?? (await readPrepared(tx, app, rollout, placement))
      // Without a further step it would go back to what was just left.
      const isLastStep = isRollback && kept.length === 0
      await insertGuard(tx, {
        rollout_id: rollout.id,
        state: 'watching',
        settings: JSON.stringify(settingsFor(JSON.parse(app.guard) as GuardDifferences, guard, { isLastStep })),
        since_at: clock.now(),
        base: NO_BASE,
        looks: 0,
        last_sample: 0,
        last_bad: 0,
        last_look_at: null,
        tripped_at: null,
        figures: null,
        revision: 1,
      })
      await insertStepsBack(tx, rollout.id, kept)
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
    base,
    looks: 0,
    last_sample: 0,
    last_bad: 0,
    last_look_at: null,
  }
}
