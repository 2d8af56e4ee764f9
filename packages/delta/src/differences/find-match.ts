/** Positions of the base's suffixes in their order, and where those begin that start with each two bytes. */
export interface SortedBase {
  base: Uint8Array
  suffixes: Int32Array
  starts: Int32Array
}

export interface Match {
  position: number
  length: number
  /** Bytes that were compared. */
  compared: number
}

const PAIRS = 65_536

export function sortedBase(base: Uint8Array, suffixes: Int32Array): SortedBase {
  const starts = new Int32Array(PAIRS + 1)
  // The last suffix is one byte: it sorts in front of all pairs that begin with it, as if a zero followed.
  for (let index = 0; index < base.length; index += 1) starts[((base[index]! << 8) | (base[index + 1] ?? 0)) + 1]! += 1
  for (let pair = 0; pair < PAIRS; pair += 1) starts[pair + 1]! += starts[pair]!
  return { base, suffixes, starts }
}

/**
 * The longest piece of the base that the target has at `from`, of two bytes or more. Goes by halves through the suffixes,
 * and does not compare again what both ends of the rest have in common.
 */
export function findMatch(
  { base, suffixes, starts }: SortedBase,
  target: Uint8Array,
  from: number,
  found: Match,
): void {
  const pair = (target[from]! << 8) | target[from + 1]!
  let low = starts[pair]!
  let high = starts[pair + 1]! - 1
  found.position = 0
  found.length = 0
  let [lowShared, highShared] = [0, 0]
  while (low <= high) {
    const middle = (low + high) >> 1
    const position = suffixes[middle]!
    const limit = Math.min(base.length - position, target.length - from)
    let shared = Math.min(lowShared, highShared)
    const before = shared
    while (shared < limit && base[position + shared] === target[from + shared]) shared += 1
    found.compared += shared - before + 1
    if (shared > found.length) {
      found.length = shared
      found.position = position
    }
    if (shared === target.length - from) return
    const isBelow = shared === base.length - position || base[position + shared]! < target[from + shared]!
    if (isBelow) {
      low = middle + 1
      lowShared = shared
    } else {
      high = middle - 1
      highShared = shared
    }
  }
}
