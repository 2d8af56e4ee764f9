import type { ArmFigures, Rate, ReleaseHealth } from '@hotpatch/api'
import type { RolloutFigures } from '../fleet/rollout-progress.ts'
import { wilsonBounds } from '../guards/confidence.ts'
import type { PlacedRollout } from './rollout-queries.ts'

type HealthFigures = Pick<
  ReleaseHealth['releases'][number],
  'attempted' | 'succeeded' | 'bad' | 'failed' | 'rolledBack' | 'crashed'
>

/** On each side: 95 % between the two. */
const ALPHA = 0.025

export function rateOf(devices: number, attempted: number): Rate {
  if (attempted === 0) return { devices, share: null, low: null, high: null }
  const { lower, upper } = wilsonBounds(devices, attempted, ALPHA)
  return { devices, share: shareOf(devices, attempted), low: lower, high: upper }
}

/** Never above all: counters are of the hours in which something happened, and a device may have gone since. */
export function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole)
}

export function renderHealth(figures: RolloutFigures): HealthFigures {
  const { attempted, attempted_bad, confirmed, running, failed, rolled_back, crashed } = figures
  return {
    attempted,
    // Who confirmed is seen running at the next check, so the larger of the two is all of them but the latest.
    succeeded: rateOf(Math.max(confirmed, running), attempted),
    bad: rateOf(attempted_bad, attempted),
    failed: rateOf(failed, attempted),
    rolledBack: rateOf(rolled_back, attempted),
    crashed: rateOf(crashed, attempted),
  }
}

export function renderReach(figures: RolloutFigures, stuck: number) {
  const { offered, downloaded, download_failed, applied, confirmed, running } = figures
  return { offered, downloaded, downloadFailed: download_failed, applied, confirmed, running, stuck }
}

export function renderPlaced(rollout: PlacedRollout) {
  const { id, release_id, version, platform, channel, state } = rollout
  return { rolloutId: id, releaseId: release_id, version, platform, channel, state }
}

export function renderArm(rollout: PlacedRollout, figures: RolloutFigures, stuck: number): ArmFigures {
  return { ...renderPlaced(rollout), ...renderReach(figures, stuck), ...renderHealth(figures) }
}

export function addFigures(all: readonly RolloutFigures[]): RolloutFigures {
  return all.reduce(
    (sum, figures) =>
      Object.fromEntries(
        Object.entries(sum).map(([name, value]) => [name, value + figures[name as keyof RolloutFigures]]),
      ) as RolloutFigures,
  )
}
