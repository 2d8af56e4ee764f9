/** The same numbers for the same seed, on every machine. */
export interface Random {
  /** From 0 on, below the limit. */
  below(limit: number): number
  oneOf<Item>(items: ArrayLike<Item>): Item
}

/** Mulberry32: small, quick, and even enough to choose by. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function below(limit: number): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit) | 0
  }
  return { below, oneOf: <Item>(items: ArrayLike<Item>) => items[below(items.length)] as Item }
}
