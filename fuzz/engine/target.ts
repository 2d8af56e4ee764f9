/** What is fuzzed: one reader of bytes that strangers can send. A module of `targets/` exports `target` and `seeds`. */
export interface Target {
  /** In a few words, for the report. */
  reads: string
  /** No input is longer. */
  maxBytes: number
  /** What comes after that the grammar knows and no literal of the program says. */
  words?: readonly string[]
  /** @throws what `refuses` knows, or `Broken` when the answer itself is wrong; anything else is a finding */
  read(input: Uint8Array): unknown
  /** Whether that is an answer to a bad input, and no mistake of the program. */
  refuses(error: unknown): boolean
}

export type Seed = Uint8Array | string

export interface TargetModule {
  target: Target
  /** Apart from the target, so that what makes them is not in the program whose coverage is looked at. */
  seeds(): readonly Seed[] | Promise<readonly Seed[]>
}

/** What was read is not what was written, a bound was passed, two readers disagree. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function bytesOfSeed(seed: Seed): Uint8Array {
  return typeof seed === 'string' ? Buffer.from(seed) : seed
}
