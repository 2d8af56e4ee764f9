import { damaged } from '../ground/patch-error.ts'
import type { BitReader } from './bit-reader.ts'
import { GROUP_SYMBOLS, MAX_TABLES, MIN_TABLES, RUN_A, RUN_B } from './bzip2-format.ts'
import { readCodeTable, readSymbol, type CodeTable } from './code-table.ts'

export interface Block {
  length: number
  /** Where the first byte is found in `links`. */
  start: number
}

/**
 * Reads a block after its magic and checksum. Leaves in `links` for each byte its value, in the lowest eight bits, and
 * above them the place of the byte that follows it.
 */
export function readBlock(bits: BitReader, links: Int32Array): Block {
  if (bits.read(1) !== 0) throw damaged('Expected a bzip2 block of today, found one that is randomised.')
  const origin = bits.read(24)
  const order = readBytesInUse(bits)
  const symbolCount = order.length + 2
  const tableCount = bits.read(3)
  if (tableCount < MIN_TABLES || tableCount > MAX_TABLES) {
    throw damaged(`Expected two to six code tables, found ${tableCount}.`)
  }
  const chosen = readChosenTables(bits, tableCount)
  const tables = Array.from({ length: tableCount }, () => readCodeTable(bits, symbolCount))
  const length = readContent(bits, { order, tables, chosen, links })
  if (origin >= length) throw damaged(`Expected a start within ${length} bytes, found ${origin}.`)
  return { length, start: linkUp(links, length, origin) }
}

function readBytesInUse(bits: BitReader): Uint8Array {
  const ranges = bits.read(16)
  const bytes: number[] = []
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue
    const used = bits.read(16)
    for (let byte = 0; byte < 16; byte += 1) {
      if ((used & (0x8000 >> byte)) !== 0) bytes.push(range * 16 + byte)
    }
  }
  if (bytes.length === 0) throw damaged('Expected a block that uses some byte, found none.')
  return Uint8Array.from(bytes)
}

/** For each group the table that it is coded with. */
function readChosenTables(bits: BitReader, tableCount: number): Uint8Array {
  const count = bits.read(15)
  if (count === 0) throw damaged('Expected tables for the groups of a block, found none.')
  const chosen = new Uint8Array(count)
  const recent = Array.from({ length: tableCount }, (_, table) => table)
  for (let group = 0; group < count; group += 1) {
    let place = 0
    while (bits.read(1) === 1) {
      place += 1
      if (place >= tableCount) throw damaged(`Expected one of ${tableCount} tables, found another.`)
    }
    const [table = 0] = recent.splice(place, 1)
    recent.unshift(table)
    chosen[group] = table
  }
  return chosen
}

interface Content {
  /** The bytes in use, each moved to the front when it comes. */
  order: Uint8Array
  tables: readonly CodeTable[]
  chosen: Uint8Array
  links: Int32Array
}

function readContent(bits: BitReader, { order, tables, chosen, links }: Content): number {
  const end = order.length + 1
  let length = 0
  let [run, weight] = [0, 1]
  for (const table of chosen) {
    for (let left = GROUP_SYMBOLS; left > 0; left -= 1) {
      const symbol = readSymbol(bits, tables[table]!)
      if (symbol === RUN_A || symbol === RUN_B) {
        run += symbol === RUN_A ? weight : weight * 2
        weight *= 2
        // Before it could become too large to be a number.
        if (length + run > links.length) throw tooLong(links)
        continue
      }
      if (run > 0) {
        links.fill(order[0]!, length, length + run)
        length += run
        run = 0
        weight = 1
      }
      if (symbol === end) return length
      if (length >= links.length) throw tooLong(links)
      const byte = order[symbol - 1]!
      for (let place = symbol - 1; place > 0; place -= 1) order[place] = order[place - 1]!
      order[0] = byte
      links[length] = byte
      length += 1
    }
  }
  throw damaged('Expected the end of a block, found no table for its next group.')
}

function tooLong(links: Int32Array): Error {
  return damaged(`Expected a block of at most ${links.length} bytes, found more.`)
}

/** Undoes the Burrows-Wheeler transform; returns where the first byte is. */
function linkUp(links: Int32Array, length: number, origin: number): number {
  const places = new Int32Array(256)
  for (let index = 0; index < length; index += 1) places[links[index]! & 0xff]! += 1
  let sum = 0
  for (let byte = 0; byte < 256; byte += 1) {
    const here = places[byte]!
    places[byte] = sum
    sum += here
  }
  for (let index = 0; index < length; index += 1) {
    const byte = links[index]! & 0xff
    const place = places[byte]!
    places[byte] = place + 1
    // Nothing is above the byte yet: each place is written once.
    links[place]! |= index << 8
  }
  return links[origin]! >>> 8
}
