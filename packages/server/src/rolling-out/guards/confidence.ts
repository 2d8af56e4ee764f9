/** More certainty than this no number of devices can give. */
const SMALLEST_ALPHA = 1e-15

/** A share of devices, and how far off it may be. */
export interface Bounds {
  lower: number
  upper: number
}

/**
 * Both one-sided bounds of a proportion, each wrong with a probability of at most about `alpha`: Wilson's score interval
 * with the continuity correction, method 4 of R. G. Newcombe, "Two-sided confidence intervals for the single proportion",
 * Statistics in Medicine 17 (1998). Without the correction it is wrong too often for a handful of events.
 * @param alpha above 0 and below 0.5
 */
export function wilsonBounds(events: number, sample: number, alpha: number): Bounds {
  if (!(sample > 0)) return { lower: 0, upper: 1 }
  const count = Math.min(Math.max(events, 0), sample)
  const z = Math.max(-normalQuantile(Math.max(alpha, SMALLEST_ALPHA)), 0)
  return { lower: lowerBound(count, sample, z), upper: 1 - lowerBound(sample - count, sample, z) }
}

function lowerBound(events: number, sample: number, z: number): number {
  if (events === 0) return 0
  const share = events / sample
  const square = z * z
  const spread = square - 2 - 1 / sample + 4 * share * (sample - events + 1)
  const bound = (2 * events + square - 1 - z * Math.sqrt(Math.max(spread, 0))) / (2 * (sample + square))
  return Math.min(Math.max(bound, 0), share)
}

const CENTRE = [
  [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239],
  [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
] as const
const TAIL = [
  [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
] as const
const TAIL_BEGINS = 0.02425

/**
 * Below which value a standard normal variable stays with this probability: P. J. Acklam's rational approximation,
 * relative error below 1.15e-9.
 */
export function normalQuantile(probability: number): number {
  if (Number.isNaN(probability)) return 0
  if (probability <= 0) return Number.NEGATIVE_INFINITY
  if (probability >= 1) return Number.POSITIVE_INFINITY
  if (probability > 1 - TAIL_BEGINS) return -normalQuantile(1 - probability)
  if (probability < TAIL_BEGINS) return quotient(TAIL, Math.sqrt(-2 * Math.log(probability)))
  const offset = probability - 0.5
  return offset * quotient(CENTRE, offset * offset)
}

function quotient([above, below]: readonly [readonly number[], readonly number[]], at: number): number {
  return polynomial(above, at) / polynomial(below, at)
}

/** The highest power's coefficient first. */
function polynomial(coefficients: readonly number[], at: number): number {
  return coefficients.reduce((sum, coefficient) => sum * at + coefficient, 0)
}
