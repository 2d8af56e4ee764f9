import type { GuardSettings, Rollout } from '@hotpatch/api'
import { nullableTimestamp, timestamp } from '../../ground/clock.ts'
import { renderAudience } from './audience.ts'
import type { CoveringRollout } from './rollout-queries.ts'
import type { RolloutRow } from './rollout-store.ts'

export function renderRollout(row: RolloutRow): Rollout {
  return {
    id: row.id,
    appId: row.app_id,
    platform: row.platform,
    channel: row.channel,
    position: row.position,
    target: row.release_id === null ? 'embedded' : 'release',
    releaseId: row.release_id,
    version: row.version,
    state: row.state,
    awaitsApproval: row.awaits_approval === 1,
    startsAt: nullableTimestamp(row.starts_at),
    mandatory: row.mandatory === 1,
    mandatoryBelow: row.mandatory_below,
    percentage: row.percentage,
    ...renderAudience(row),
    salt: row.salt,
    buckets: row.buckets,
    ...(row.drawing !== null && { drawing: row.drawing }),
    guard: renderGuard(row),
    plan: renderPlan(row),
    sequence: row.sequence,
    labelNumber: row.label_number,
    revision: row.revision,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: timestamp(row.updated_at),
  }
}

export function renderCovering(covering: CoveringRollout | undefined): NonNullable<Rollout['coveredBy']> | null {
  if (!covering) return null
  return { rolloutId: covering.id, position: covering.position, version: covering.version }
}

function renderGuard({ guard_state: state, guard_settings: settings }: RolloutRow): Rollout['guard'] {
  if (state === null || settings === null) return null
  const { isOn, action } = JSON.parse(settings) as GuardSettings
  return { state, isOn, action }
}

function renderPlan({ plan_state: state, plan_step: step, plan_steps: steps }: RolloutRow): Rollout['plan'] {
  if (state === null || step === null || steps === null) return null
  return { state, step: step + 1, steps: (JSON.parse(steps) as unknown[]).length }
}
