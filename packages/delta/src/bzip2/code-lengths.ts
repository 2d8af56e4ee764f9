/** What Debian's bzip2 makes, and every reader takes. */
const MAX_BITS = 17

/** Lengths of a prefix code (Huffman 1952), none above the limit: rare symbols are taken for less rare until they fit. */
export function codeLengths(frequencies: Int32Array): Uint8Array {
  // A symbol that never comes has a code all the same.
  let weights = Float64Array.from(frequencies, (frequency) => Math.max(1, frequency))
  for (;;) {
    const lengths = lengthsOf(weights)
    if (lengths.every((length) => length <= MAX_BITS)) return lengths
    weights = weights.map((weight) => Math.floor(weight / 2) + 1)
  }
}

/** Two queues: the symbols by weight, and the pairs, which come into being in that order. */
function lengthsOf(weights: Float64Array): Uint8Array {
  const count = weights.length
  const order = Array.from(weights.keys()).sort((a, b) => weights[a]! - weights[b]!)
  const parents = new Int32Array(2 * count - 1)
  const nodes = new Float64Array(2 * count - 1)
  nodes.set(weights)
  let [leaf, pair] = [0, count]
  for (let made = count; made < nodes.length; made += 1) {
    for (let child = 0; child < 2; child += 1) {
      const isLeaf = leaf < count && (pair >= made || nodes[order[leaf]!]! <= nodes[pair]!)
      const node = isLeaf ? order[leaf++]! : pair++
      parents[node] = made
      nodes[made]! += nodes[node]!
    }
  }
  const depths = new Uint8Array(nodes.length)
  for (let node = nodes.length - 2; node >= 0; node -= 1) depths[node] = depths[parents[node]!]! + 1
  return depths.slice(0, count)
}

/** The canonical code of each symbol: shorter ones first, among equals by symbol. */
export function codesOf(lengths: Uint8Array): Int32Array {
  const codes = new Int32Array(lengths.length)
  let code = 0
  for (let length = 1; length <= MAX_BITS; length += 1) {
    for (const [symbol, has] of lengths.entries()) {
      if (has !== length) continue
      codes[symbol] = code
      code += 1
    }
    code *= 2
  }
  return codes
}
