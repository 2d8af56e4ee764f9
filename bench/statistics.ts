/** Of the sorted values the one in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Nearest rank: a value that was really measured, and at least `percent` of them are not above it. */
export function percentile(values: ArrayLike<number>, percent: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

export interface Ratio {
  /** Of the medians. */
  value: number
  /** Between these lie eight of ten rounds, each compared within itself: a hiccup of the machine hits one of the two. */
  spread: [number, number]
}

/** Of two contenders that were measured in the same rounds. */
export function ratioOf(values: readonly number[], references: readonly number[]): Ratio {
  if (values.length !== references.length || values.length === 0) {
    throw new Error(`Expected as many values as references, found ${values.length} and ${references.length}.`)
  }
  const byRound = values.map((value, round) => value / (references[round] ?? Number.NaN))
  return { value: median(values) / median(references), spread: [percentile(byRound, 10), percentile(byRound, 90)] }
}

/**
 * Runs the contenders in turns, A B C A B C …, so that whatever else the machine does meets all of them alike.
 * Every other round goes backwards: nobody is always the one after the same other one.
 */
export async function alternate<Name extends string, Result>(
  contenders: Readonly<Record<Name, () => Promise<Result>>>,
  rounds: number,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(contenders) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await contenders[name]())
  }
  return results
}
