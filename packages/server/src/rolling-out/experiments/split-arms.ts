import { problem, type AudienceSlice } from '@hotpatch/protocol'

/** A slice counts in hundredths of a percent. */
const WHOLE = 10_000

/**
 * Which part of those who take part each arm gets, in the order of the arms: disjoint, and together all of them.
 * @param salt another one than that of taking part, so that the arms do not depend on it
 * @throws problem invalid-request when the weights, in percent, do not make 100
 */
export function splitArms(weights: readonly number[], salt: string): AudienceSlice[] {
  const parts = weights.map((weight) => Math.round(weight * 100))
  const sum = parts.reduce((total, part) => total + part, 0)
  if (sum !== WHOLE) {
    throw problem('invalid-request', `The weights of the arms: expected 100 together, found ${sum / 100}.`)
  }
  let from = 0
  return parts.map((part) => {
    const slice = { salt, from, to: from + part }
    from = slice.to
    return slice
  })
}
