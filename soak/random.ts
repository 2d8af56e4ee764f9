import { createHash } from 'node:crypto'

/** Numbers that are the same for the same seed: a campaign can be run again. */
export interface Random {
  /** From 0 to below 1. */
  next(): number
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number
  /** A whole number, both ends included. */
  between(from: number, to: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  shuffle<Item>(items: readonly Item[]): Item[]
  bytes(count: number): Buffer
  /** Another one, which depends on nothing but the seed and the name: whoever draws more changes nobody else's numbers. */
  of(name: string): Random
}

export function createRandom(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0)

  // Mulberry32.
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const below = (bound: number) => Math.floor(next() * bound)

  function pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error('Expected something to choose from, found nothing.')
    return items[below(items.length)] as Item
  }

  function shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = below(last + 1)
      const [one, two] = [shuffled[last] as Item, shuffled[other] as Item]
      shuffled[last] = two
      shuffled[other] = one
    }
    return shuffled
  }

  function bytes(count: number): Buffer {
    const filled = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; at++) filled[at] = below(256)
    return filled
  }

  return {
    next,
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => next() < probability,
    pick,
    shuffle,
    bytes,
    of: (name) => createRandom(`${seed}/${name}`),
  }
}
