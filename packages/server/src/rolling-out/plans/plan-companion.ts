import { problem } from '@hotpatch/protocol'
import type { Clock } from '../../ground/clock.ts'
import { readStandings, writeStandings } from '../../fleet/progress/bounded-sample.ts'
import { readSamples } from '../../fleet/progress/sample-queries.ts'
import { bound, type Sampling } from '../../fleet/progress/sampling.ts'
import type { Connection } from '../../ground/database/schema.ts'
import type { RolloutCompanion } from '../rollouts/rollout-service.ts'
import { findPlan, insertPlan, updatePlan, type PlanRow } from './plan-store.ts'

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
        step_sample: null,
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
        : { step_started_at: now, step_base: 0, step_sample: await readStepSample(tx, after.id) }
      await updatePlan(tx, plan, { ...step, updated_at: now })
    },
  }
}

/** What a step that begins now does not count. */
export async function readStepSample(db: Connection, rolloutId: string): Promise<string> {
  return writeStandings((await readSamples(db, [rolloutId])).get(rolloutId)?.standings ?? new Map())
}

/** Believed devices that have tried the rollout since the step began. */
export async function countSinceStep(
  db: Connection,
  sampling: Sampling,
  { rollout_id: id, step_sample, step_base, step_started_at }: PlanRow,
): Promise<number> {
  const rows = (await readSamples(db, [id], step_started_at ?? 0)).get(id)
  const share = (await sampling.readShares(db, [id])).get(id)
  const all = (await readSamples(db, [id])).get(id)
  if (!rows || !all) return 0
  const base = step_sample === null ? new Map([[0, { attempted: step_base, bad: 0 }]]) : readStandings(step_sample)
  return bound({ standings: all.standings, days: rows.days }, share ?? 1, base).attempted
}
