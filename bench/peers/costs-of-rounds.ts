/** At the beginning of a round. */
export interface CostMark {
  /** Processor time that was spent until then, since whenever. */
  spentBefore: number
  /** That came in this round. */
  answers: number
}

/**
 * What an answer cost in each round, up to the beginning of the next one: what a server does later, while others have their
 * turn, counts with what made it do so.
 */
export function costsOfRounds(marks: readonly CostMark[], spentAtLast: number): number[] {
  return marks.map(({ spentBefore, answers }, round) => {
    const spentAfter = marks[round + 1]?.spentBefore ?? spentAtLast
    return (spentAfter - spentBefore) / answers
  })
}
