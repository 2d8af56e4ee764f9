import { problem } from '@hotpatch/protocol'
import type { Clock } from '../clock.ts'
import { sumRolloutHours } from '../fleet/rollout-progress.ts'
import type { Connection } from '../database/schema.ts'
import type { RolloutCompanion } from '../rollouts/rollout-service.ts'
import { findPlan, insertPlan, updatePlan } from './plan-store.ts'

/** Keeps a rollout's plan in step with the rollout, in the rollout's own transactions. */
export function createPlanCompanion({ clock }: { clock: Clock }): RolloutCompanion {
  return {
    async placed(tx, rollout, { plan }) {
      if (!plan) return
      await insertPlan(tx, {
        rollout_id: rollout.id,
        state: 'running',
        steps: JSON.stringify(plan.steps),
        windows: plan.windows ? JSON.stringify(plan.windows) : null,
        step: 0,
        step_started_at: rollout.awaits_start ? null : clock.now(),
        step_base: 0,
        revision: 1,
        updated_at: clock.now(),
      })
    },

    async refuse(tx, rollout, { percentage }) {
      if (percentage === undefined) return
      const plan = await findPlan(tx, rollout.id)
      if (plan?.state !== 'running') return
      throw problem(
        'rollout-planned',
        `The plan of this rollout sets its percentage. Advance it to the next step, or finish it.`,
      )
    },

    async changed(tx, before, after) {
      const isOver = after.state === 'halted' || after.state === 'withdrawn'
      const isResumed = before.state === 'paused' && after.state === 'active' && !after.awaits_start
      const hasStarted = before.awaits_start === 1 && after.awaits_start === 0
      if (!isOver && !isResumed && !hasStarted) return
      const plan = await findPlan(tx, after.id)
      if (plan?.state !== 'running') return
      const now = clock.now()
      const step = isOver
        ? { state: 'finished' as const }
        : { step_started_at: now, step_base: await countAttempted(tx, after.id) }
      await updatePlan(tx, plan, { ...step, updated_at: now })
    },
  }
}

/** Devices that have tried the rollout, since its beginning. */
export async function countAttempted(db: Connection, rolloutId: string): Promise<number> {
  return (await sumRolloutHours(db, [rolloutId])).get(rolloutId)?.attempted ?? 0
}
