import type { ArmComparison, ArmFigures } from '@hotpatch/api'
import { wilsonBounds, type Bounds } from '../../rolling-out/guards/confidence.ts'

/** Of all comparisons of a test together: how likely one of them is wrong. */
const ALPHA = 0.05
/** Of each of the two: fewer say nothing, whatever they say. */
const MINIMUM_SAMPLE = 50

type Arm = { arm: string } & Pick<ArmFigures, 'believed'>

/**
 * Each arm with the first one, by the share of believed devices on which it went badly. The interval of the difference is
 * Newcombe's, of the two Wilson intervals (method 11, Statistics in Medicine 17, 1998), as wide as several comparisons at
 * once demand (Bonferroni).
 */
export function compareArms(arms: readonly Arm[]): ArmComparison[] {
  const [first, ...others] = arms
  if (!first) return []
  const alpha = ALPHA / 2 / Math.max(others.length, 1)
  return others.map((other) => compare(first, other, alpha))
}

function compare(first: Arm, other: Arm, alpha: number): ArmComparison {
  const [before, after] = [first.believed, other.believed]
  const names = { arm: other.arm, comparedWith: first.arm, confidencePercent: 100 * (1 - 2 * alpha) }
  if (Math.min(before.attempted, after.attempted) < MINIMUM_SAMPLE) {
    return { ...names, difference: null, low: null, high: null, conclusion: 'too-few' }
  }
  const one = { share: shareOf(before), ...wilsonBounds(before.bad, before.attempted, alpha) }
  const two = { share: shareOf(after), ...wilsonBounds(after.bad, after.attempted, alpha) }
  const difference = two.share - one.share
  const low = difference - distance(two.share - two.lower, one.upper - one.share)
  const high = difference + distance(two.upper - two.share, one.share - one.lower)
  return { ...names, difference, low, high, conclusion: concludeFrom({ lower: low, upper: high }) }
}

function concludeFrom({ lower, upper }: Bounds): ArmComparison['conclusion'] {
  if (lower > 0) return 'worse'
  return upper < 0 ? 'better' : 'undecided'
}

function shareOf({ attempted, bad }: { attempted: number; bad: number }): number {
  return Math.min(bad, attempted) / attempted
}

function distance(one: number, other: number): number {
  return Math.hypot(Math.max(one, 0), Math.max(other, 0))
}
