/** Hot-updater §5: its clients fall into as many. */
export const COHORTS = 1_000

/** A number from 1 on, as hot-updater's clients tell it; undefined for any other text. */
export function readNumericCohort(text: string): number | undefined {
  if (!/^\d{1,64}$/.test(text)) return undefined
  const cohort = Number(text)
  return cohort >= 1 && cohort <= COHORTS ? cohort : undefined
}

/** Into which one hot-updater's client falls that has this id of its system. */
export function numericCohortOf(id: string): number {
  return modulo(hash31(id), COHORTS) + 1
}

/**
 * Hot-updater §5: in which order cohorts get a release, 0 … 999. Each comes once: place = (cohort − 1 − offset) ÷
 * multiplier, modulo 1,000.
 * @param salt the id of the build, to hot-updater's own servers
 */
export function placeOfCohort(salt: string, cohort: number): number {
  const multiplier = multiplierOf(salt)
  const offset = modulo(hash31(`${salt}:offset`), COHORTS)
  return modulo(inverseOf(multiplier) * (cohort - 1 - offset), COHORTS)
}

/** Has no factor in common with 1,000, so that it can be divided by. */
function multiplierOf(salt: string): number {
  let multiplier = modulo(hash31(`${salt}:multiplier`), 997) || 1
  while (multiplier % 2 === 0 || multiplier % 5 === 0) multiplier = modulo(multiplier + 1, COHORTS) || 1
  return multiplier
}

/** Euclid's algorithm, which has an end as the two have no factor in common. */
function inverseOf(multiplier: number): number {
  let [inverse, next] = [0, 1]
  let [rest, remainder] = [COHORTS, multiplier]
  while (remainder !== 0) {
    const quotient = Math.floor(rest / remainder)
    ;[inverse, next] = [next, inverse - quotient * next]
    ;[rest, remainder] = [remainder, rest - quotient * remainder]
  }
  return modulo(inverse, COHORTS)
}

/** Java's hash of a text: signed, over UTF-16. */
function hash31(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}

function modulo(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus
}
