/** One row of the result. */
export interface Finding {
  what: string
  /** Undefined: could not be measured, and `note` says why. */
  value: number | undefined
  unit: string
  /** To what `comparedWith` names. */
  ratio?: number
  /** The tenth and the ninetieth percentile of the rounds' ratios. */
  spread?: readonly [number, number]
  comparedWith?: string
  /** What it is meant to be. */
  budget?: string
  met?: boolean
  /** What a reader needs to know to read the numbers. */
  note?: string
}

/** What every measurement gets. */
export interface Bench {
  /** Of the two the one that is meant for this run. A quick one is for trying out, not for quoting. */
  choose<Value>(full: Value, quick: Value): Value
  /** Of the clients that check, whether this one is to. */
  wantsClient(name: string): boolean
  say(line: string): void
}

export interface Measurement {
  name: string
  /** Whether it is not among "everything": it needs what `npm ci` does not install. */
  isOnlyWhenNamed?: boolean
  /** Throws when it could not be measured; a budget that is missed is a finding. */
  measure(bench: Bench): Promise<Finding[]>
}
