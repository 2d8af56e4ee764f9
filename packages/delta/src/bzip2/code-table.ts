import { damaged } from '../ground/patch-error.ts'
import type { BitReader } from './bit-reader.ts'

const MAX_CODE_BITS = 20

/** A canonical prefix code: for each length the last code, what to take from a code to get its place, and who is there. */
export interface CodeTable {
  shortest: number
  longest: number
  limits: Int32Array
  bases: Int32Array
  symbols: Uint16Array
}

/** The lengths are written as steps from the one before. */
export function readCodeTable(bits: BitReader, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(symbolCount)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    while (true) {
      if (length < 1 || length > MAX_CODE_BITS) throw damaged(`Expected a code of 1 to 20 bits, found ${length}.`)
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return tableOf(lengths)
}

function tableOf(lengths: Uint8Array): CodeTable {
  const counts = new Int32Array(MAX_CODE_BITS + 2)
  for (const length of lengths) counts[length]! += 1
  const limits = new Int32Array(MAX_CODE_BITS + 1).fill(-1)
  const bases = new Int32Array(MAX_CODE_BITS + 1)
  const starts = new Int32Array(MAX_CODE_BITS + 2)
  let [code, place] = [0, 0]
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    starts[length] = place
    bases[length] = code - place
    code += counts[length]!
    place += counts[length]!
    limits[length] = code - 1
    // More codes than there are of this length would give two meanings to the same bits.
    if (code > 2 ** length) throw damaged('Expected a prefix code, found more codes than there are.')
    code *= 2
  }
  const symbols = new Uint16Array(lengths.length)
  for (const [symbol, length] of lengths.entries()) {
    symbols[starts[length]!] = symbol
    starts[length]! += 1
  }
  return { shortest: Math.min(...lengths), longest: Math.max(...lengths), limits, bases, symbols }
}

export function readSymbol(bits: BitReader, { shortest, longest, limits, bases, symbols }: CodeTable): number {
  let length = shortest
  let code = bits.read(length)
  while (code > limits[length]!) {
    if (length === longest) throw damaged('Expected a code of the table, found bits that are none.')
    length += 1
    code = (code << 1) | bits.read(1)
  }
  return symbols[code - bases[length]!]!
}
