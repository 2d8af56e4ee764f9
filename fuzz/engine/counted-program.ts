export const COUNTED_FILE = 'target.mjs'

/** A target as one file that counts what of it is passed. */
export interface Counted {
  file: string
  url: string
  /** The function that each point is in. */
  functionOf: readonly number[]
  words: readonly string[]
  numbers: readonly number[]
}
