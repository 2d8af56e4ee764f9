/** Numbers that look random and are the same for the same seed, on every machine. Not for secrets. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<Item>(weighted: readonly Weighted<Item>[]): Item
  /** In the form of a version 4 UUID. */
  uuid(): string
}

export type Weighted<Item> = readonly [item: Item, weight: number]

/** 32 bits of a text, or of numbers of which the lower 32 bits count. */
export function hash(...parts: readonly (string | number)[]): number {
  let state = 0x811c9dc5
  for (const part of parts) {
    const words = typeof part === 'string' ? Array.from(part, (letter) => letter.codePointAt(0) ?? 0) : [part]
    for (const word of words) state = mixed(Math.imul(state ^ word, 0x9e3779b1))
    state = mixed(state + 0x6d2b79f5)
  }
  return state >>> 0
}

/** The same seed gives the same numbers (sfc32). */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [mixed(seed + 1), mixed(seed + 2), mixed(seed + 3), 1]
  for (let round = 0; round < 12; round += 1) word()

  function word(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }

  const next = () => word() / 0x1_0000_0000

  function pick<Item>(weighted: readonly Weighted<Item>[]): Item {
    const total = weighted.reduce((sum, [, weight]) => sum + weight, 0)
    let left = next() * total
    for (const [item, weight] of weighted) {
      left -= weight
      if (left < 0) return item
    }
    const last = weighted.at(-1)
    if (!last) throw new RangeError('expected something to pick from')
    return last[0]
  }

  function uuid(): string {
    const digits = Array.from({ length: 4 }, () => word().toString(16).padStart(8, '0')).join('')
    const variant = '89ab'[word() & 3]
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`
  }

  return {
    next,
    between: (least, most) => least + next() * (most - least),
    chance: (probability) => next() < probability,
    pick,
    uuid,
  }
}

function mixed(word: number): number {
  let state = word | 0
  state = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
  state = Math.imul(state ^ (state >>> 15), 0x735a2d97)
  return state ^ (state >>> 15)
}
