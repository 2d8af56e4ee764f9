import { sortSuffixes } from '../suffix/suffix-array.ts'
import type { BitWriter } from './bit-writer.ts'
import { BLOCK_MAGIC, GROUP_SYMBOLS, MAX_SYMBOLS, RUN_A, RUN_B } from './bzip2-format.ts'
import { codeLengths, codesOf } from './code-lengths.ts'

/** Rounds in which groups choose their table and tables fit their groups. */
const ROUNDS = 4
const UNLIKELY_BITS = 15
const LIKELY_BITS = 0

/** `block` is what comes of the runs; `checksum` is of the bytes before. */
export function* writeBlock(bits: BitWriter, block: Uint8Array, checksum: number): Generator<undefined, void> {
  const { transformed, origin } = yield* transform(block)
  for (const magic of BLOCK_MAGIC) bits.write(magic, 24)
  bits.write(checksum >>> 16, 16)
  bits.write(checksum & 0xffff, 16)
  bits.write(0, 1)
  bits.write(origin, 24)
  const used = bytesUsed(block)
  writeBytesInUse(bits, used)
  const { symbols, symbolCount } = moveToFront(transformed, used)
  writeSymbols(bits, symbols, symbolCount)
}

/** The last column of the sorted rotations, and in which line the block itself is. */
function* transform(block: Uint8Array): Generator<undefined, { transformed: Uint8Array; origin: number }> {
  const { length } = block
  // In the order of the suffixes of the block twice are its rotations; equal ones give equal bytes.
  const twice = new Uint8Array(2 * length)
  twice.set(block)
  twice.set(block, length)
  const suffixes = yield* sortSuffixes(twice)
  const transformed = new Uint8Array(length)
  let [line, origin] = [0, 0]
  for (const position of suffixes) {
    if (position >= length) continue
    if (position === 0) origin = line
    transformed[line] = twice[position === 0 ? length - 1 : position - 1]!
    line += 1
  }
  return { transformed, origin }
}

function bytesUsed(block: Uint8Array): Uint8Array {
  const isUsed = new Uint8Array(256)
  for (const byte of block) isUsed[byte] = 1
  return Uint8Array.from(isUsed.keys()).filter((byte) => isUsed[byte] === 1)
}

function writeBytesInUse(bits: BitWriter, used: Uint8Array): void {
  const ranges = new Int32Array(16)
  for (const byte of used) ranges[byte >> 4]! |= 0x8000 >> (byte & 15)
  for (const range of ranges) bits.write(range === 0 ? 0 : 1, 1)
  for (const range of ranges) if (range !== 0) bits.write(range, 16)
}

function moveToFront(transformed: Uint8Array, used: Uint8Array) {
  const order = used.slice()
  const symbols = new Uint16Array(transformed.length + 1)
  let length = 0
  let run = 0
  for (const byte of transformed) {
    if (byte === order[0]) {
      run += 1
      continue
    }
    length = writeRun(symbols, length, run)
    run = 0
    let place = 0
    let held = order[0]!
    while (held !== byte) {
      place += 1
      const moved = order[place]!
      order[place] = held
      held = moved
    }
    order[0] = byte
    symbols[length] = place + 1
    length += 1
  }
  length = writeRun(symbols, length, run)
  symbols[length] = used.length + 1
  return { symbols: symbols.subarray(0, length + 1), symbolCount: used.length + 2 }
}

/** In bijective base two, the lowest digit first. */
function writeRun(symbols: Uint16Array, from: number, run: number): number {
  let length = from
  for (let left = run; left > 0; left = (left - 1) >> 1) {
    symbols[length] = left % 2 === 1 ? RUN_A : RUN_B
    length += 1
  }
  return length
}

function writeSymbols(bits: BitWriter, symbols: Uint16Array, symbolCount: number): void {
  const { lengths, chosen } = fitTables(symbols, symbolCount)
  bits.write(lengths.length, 3)
  bits.write(chosen.length, 15)
  writeChosen(bits, chosen, lengths.length)
  for (const table of lengths) writeTable(bits, table)
  const codes = lengths.map(codesOf)
  for (const [index, symbol] of symbols.entries()) {
    const table = chosen[Math.floor(index / GROUP_SYMBOLS)]!
    bits.write(codes[table]![symbol]!, lengths[table]![symbol]!)
  }
}

function tableCountFor(symbolCount: number): number {
  if (symbolCount < 200) return 2
  if (symbolCount < 600) return 3
  if (symbolCount < 1200) return 4
  return symbolCount < 2400 ? 5 : 6
}

/** Tables that fit the groups which chose them, as bzip2 finds them. */
function fitTables(symbols: Uint16Array, symbolCount: number): { lengths: Uint8Array[]; chosen: Uint8Array } {
  const groups = Math.ceil(symbols.length / GROUP_SYMBOLS)
  const chosen = new Uint8Array(groups)
  let lengths = firstTables(symbols, symbolCount)
  for (let round = 0; round < ROUNDS; round += 1) {
    const frequencies = lengths.map(() => new Int32Array(symbolCount))
    for (let group = 0; group < groups; group += 1) {
      const from = group * GROUP_SYMBOLS
      const to = Math.min(symbols.length, from + GROUP_SYMBOLS)
      const table = cheapestTable(symbols, { from, to, lengths })
      chosen[group] = table
      const counted = frequencies[table]!
      for (let index = from; index < to; index += 1) counted[symbols[index]!]! += 1
    }
    lengths = frequencies.map(codeLengths)
  }
  return { lengths, chosen }
}

/** Each begins with the symbols of its share of the whole. */
function firstTables(symbols: Uint16Array, symbolCount: number): Uint8Array[] {
  const counts = new Int32Array(MAX_SYMBOLS)
  for (const symbol of symbols) counts[symbol]! += 1
  const tableCount = tableCountFor(symbols.length)
  let [from, left] = [0, symbols.length]
  return Array.from({ length: tableCount }, (_, table) => {
    const share = Math.floor(left / (tableCount - table))
    let [to, covered] = [from, 0]
    while (covered < share && to < symbolCount) {
      covered += counts[to]!
      to += 1
    }
    const lengths = new Uint8Array(symbolCount).fill(UNLIKELY_BITS)
    lengths.fill(LIKELY_BITS, from, to)
    from = to
    left -= covered
    return lengths
  })
}

function cheapestTable(
  symbols: Uint16Array,
  { from, to, lengths }: { from: number; to: number; lengths: readonly Uint8Array[] },
): number {
  let best = 0
  let bestBits = Infinity
  for (const [table, coded] of lengths.entries()) {
    let cost = 0
    for (let index = from; index < to; index += 1) cost += coded[symbols[index]!]!
    if (cost < bestBits) {
      best = table
      bestBits = cost
    }
  }
  return best
}

/** Each by its place among those that came last. */
function writeChosen(bits: BitWriter, chosen: Uint8Array, tableCount: number): void {
  const recent = Array.from({ length: tableCount }, (_, table) => table)
  for (const table of chosen) {
    const place = recent.indexOf(table)
    for (let step = 0; step < place; step += 1) bits.write(1, 1)
    bits.write(0, 1)
    recent.splice(place, 1)
    recent.unshift(table)
  }
}

function writeTable(bits: BitWriter, lengths: Uint8Array): void {
  let length = lengths[0]!
  bits.write(length, 5)
  for (const next of lengths) {
    for (; length < next; length += 1) bits.write(0b10, 2)
    for (; length > next; length -= 1) bits.write(0b11, 2)
    bits.write(0, 1)
  }
}
