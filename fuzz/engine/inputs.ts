import type { Random } from './random.ts'

/** An input that passed points that none before it had passed, or passed them more often. */
export interface KeptInput {
  bytes: Uint8Array
  points: Uint32Array
  /** Milliseconds that it took. */
  took: number
}

const MAX_KEPT = 6_000

/** The inputs that others are made of. Of each point the cheapest one that passes it is chosen three times in four. */
export function createInputs(random: Random) {
  const kept: KeptInput[] = []
  const cheapest = new Map<number, KeptInput>()
  let favoured: KeptInput[] = []
  let isStale = false

  function add(input: KeptInput): void {
    if (kept.length >= MAX_KEPT) kept[random.below(kept.length)] = input
    else kept.push(input)
    for (const point of input.points) {
      const best = cheapest.get(point)
      if (!best || costOf(input) < costOf(best)) cheapest.set(point, input)
    }
    isStale = true
  }

  function choose(): KeptInput | undefined {
    if (isStale) favoured = [...new Set(cheapest.values())]
    isStale = false
    const from = favoured.length > 0 && random.below(4) > 0 ? favoured : kept
    if (from.length === 0) return undefined
    // The newest lead on, twice in four times.
    return random.below(4) > 1 && from === kept
      ? kept[kept.length - 1 - random.below(Math.ceil(kept.length / 8))]
      : random.oneOf(from)
  }

  return { add, choose, kept, bytes: () => kept.map(({ bytes }) => bytes) }
}

function costOf({ bytes, took }: KeptInput): number {
  return (bytes.length + 16) * (took + 0.05)
}

/** Few, and small, that pass together all points that all of them pass. */
export function cover(inputs: readonly KeptInput[]): KeptInput[] {
  const missing = new Set(inputs.flatMap(({ points }) => [...points]))
  const left = new Set(inputs)
  const chosen: KeptInput[] = []
  while (missing.size > 0) {
    let best: KeptInput | undefined
    let bestWorth = 0
    for (const input of left) {
      let gain = 0
      for (const point of input.points) if (missing.has(point)) gain++
      const worth = gain / (input.bytes.length + 24)
      if (worth > bestWorth) [best, bestWorth] = [input, worth]
    }
    if (!best) break
    chosen.push(best)
    left.delete(best)
    for (const point of best.points) missing.delete(point)
  }
  return chosen
}
