/**
 * Code Push §3: the number of each of a place's rollouts, oldest first. Where another server had counted one before it
 * came here, its own stands, and later ones count on from it.
 *
 * @param stated of each, or null
 * @param before the number of the one below the first
 */
export function countLabels(stated: readonly (number | null)[], before = 0): number[] {
  let number = before
  return stated.map((own) => (number = own ?? number + 1))
}
