import {
  REASON_SENTENCES,
  type Adoption,
  type ArmFigures,
  type BelievedDevices,
  type Rate,
  type ReleaseHealth,
} from '@hotpatch/api'
import type { PassedOverReason } from '@hotpatch/protocol'
import { timestamp } from '../../ground/clock.ts'
import { NOBODY_LEFT_OUT, type BoundedSample } from '../../fleet/progress/bounded-sample.ts'
import type { RolloutFigures } from '../../fleet/progress/rollout-progress.ts'
import { wilsonBounds } from '../../rolling-out/guards/confidence.ts'
import type { Takers } from '../../rolling-out/rollouts/takers.ts'
import type { PlacedRollout } from './rollout-queries.ts'

type HealthFigures = Pick<
  ReleaseHealth['releases'][number],
  'attempted' | 'succeeded' | 'bad' | 'failed' | 'rolledBack' | 'crashed' | 'believed'
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

/** Of one rollout, or of all the rollouts of a release. */
export function renderHealth(
  all: readonly RolloutFigures[],
  believed: readonly (BoundedSample | undefined)[],
): HealthFigures {
  const sum = (devices: (figures: RolloutFigures) => number) => all.reduce((total, each) => total + devices(each), 0)
  const attempted = sum((figures) => figures.attempted)
  const rate = (devices: (figures: RolloutFigures) => number) => rateOf(sum(devices), attempted)
  return {
    attempted,
    // Who confirmed is seen running at the next check, so the larger of the two is all of them but the latest.
    succeeded: rate(({ confirmed, running }) => Math.max(confirmed, running)),
    bad: rate((figures) => figures.attempted_bad),
    failed: rate((figures) => figures.failed),
    rolledBack: rate((figures) => figures.rolled_back),
    crashed: rate((figures) => figures.crashed),
    believed: believed.reduce((sum, each) => (each ? addBelieved(sum, each) : sum), NOBODY),
  }
}

const NOBODY: BelievedDevices = { attempted: 0, bad: 0, withoutNetwork: 0, leftOut: NOBODY_LEFT_OUT }

function addBelieved(one: BelievedDevices, other: BelievedDevices): BelievedDevices {
  const leftOut = (of: keyof BelievedDevices['leftOut']) => one.leftOut[of] + other.leftOut[of]
  return {
    attempted: one.attempted + other.attempted,
    bad: one.bad + other.bad,
    withoutNetwork: one.withoutNetwork + other.withoutNetwork,
    leftOut: {
      devices: leftOut('devices'),
      bad: leftOut('bad'),
      notOffered: leftOut('notOffered'),
      tooNew: leftOut('tooNew'),
      sameNetwork: leftOut('sameNetwork'),
      unprovenReports: leftOut('unprovenReports'),
    },
  }
}

/** What a rollout's counters do not know: how devices are now. */
export interface PresentFigures {
  running: number
  stuck: number
}

export function renderReach(figures: RolloutFigures, { running, stuck }: PresentFigures) {
  const { offered, downloaded, download_failed, applied, confirmed, running: everRan } = figures
  return { offered, downloaded, downloadFailed: download_failed, applied, confirmed, running, everRan, stuck }
}

export function renderPlaced(rollout: PlacedRollout) {
  const { id, release_id, version, platform, channel, state } = rollout
  return { rolloutId: id, releaseId: release_id, version, platform, channel, state }
}

export function renderArm(
  rollout: PlacedRollout,
  figures: RolloutFigures,
  present: PresentFigures,
  believed: BoundedSample | undefined,
): ArmFigures {
  return { ...renderPlaced(rollout), ...renderReach(figures, present), ...renderHealth([figures], [believed]) }
}

export function renderTakers(takers: Takers): NonNullable<Adoption['takers']> {
  const { audience, canTake, left, refusals, unmet, untold, judged, isSample, countedAt } = takers
  return {
    audience,
    canTake,
    left,
    refuse: renderReasons(refusals),
    needOtherBinary: renderReasons(unmet),
    untold,
    judged,
    isSample,
    countedAt: timestamp(countedAt),
  }
}

/** Most first. */
function renderReasons(counts: ReadonlyMap<PassedOverReason, number>) {
  return [...counts]
    .map(([reason, devices]) => ({ reason, explanation: REASON_SENTENCES[reason], devices }))
    .toSorted((a, b) => b.devices - a.devices || (a.reason < b.reason ? -1 : 1))
}
