/** Blocks are cut where the last bytes say so: what is put in or taken out moves no border but those beside it. */

const MIN_BYTES = 8 * 1024
export const MAX_BYTES = 32 * 1024
/** A border is where these bits of the fingerprint are all set: every 16 KiB on average. */
const BORDER_BITS = 16 * 1024 - 1
/** Of how many bytes the fingerprint is. */
const WINDOW_BYTES = 64
/** Irreducible over GF(2), of degree 63: that of electron-builder, whose borders these have to be. */
const POLYNOMIAL = 0xbfe6b8a5bf378d83n
const DEGREE = 63n

/** What the byte above the degree is worth below it. */
const REDUCE = tableOf(DEGREE)
/** What a byte is worth when the window has passed it. */
const LEAVE = tableOf(8n * BigInt(WINDOW_BYTES - 1))

interface Table {
  high: Int32Array
  low: Int32Array
}

/** For each byte b, b · x^shift modulo the polynomial, in two halves: numbers have no 63 bits. */
function tableOf(shift: bigint): Table {
  const remainders = Array.from({ length: 256 }, (_, byte) => remainderOf(BigInt(byte) << shift))
  return {
    high: Int32Array.from(remainders, (remainder) => Number(BigInt.asIntN(32, remainder >> 32n))),
    low: Int32Array.from(remainders, (remainder) => Number(BigInt.asIntN(32, remainder))),
  }
}

function remainderOf(dividend: bigint): bigint {
  let rest = dividend
  for (let bit = BigInt(rest.toString(2).length) - 1n; bit >= DEGREE; bit--) {
    if ((rest >> bit) & 1n) rest ^= POLYNOMIAL << (bit - DEGREE)
  }
  return rest
}

/**
 * Cuts what it is given into blocks of 8 to 32 KiB, the last one aside.
 * @param onBlock is given each block, in bytes that it must not keep
 */
export function createChunker(onBlock: (block: Uint8Array) => void) {
  const block = new Uint8Array(MAX_BYTES)
  let filled = 0
  let scanned = 0
  let high = 0
  let low = 0

  function write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(MAX_BYTES - filled, bytes.length - at)
      block.set(bytes.subarray(at, at + count), filled)
      const border = findBorder(filled + count)
      at += border === undefined ? count : border - filled
      if (border === undefined) filled += count
      else emit(border)
    }
  }

  /** Where the block ends, if it ends before `end`. */
  function findBorder(end: number): number | undefined {
    // The fingerprint is of the window alone: what is before the first one need not be looked at.
    for (let at = Math.max(scanned, MIN_BYTES - WINDOW_BYTES); at < end; at++) {
      if (at >= MIN_BYTES) {
        const left = block[at - WINDOW_BYTES] as number
        high ^= LEAVE.high[left] as number
        low ^= LEAVE.low[left] as number
      }
      const above = (high >>> 23) & 0xff
      const shifted = ((high << 8) | (low >>> 24)) & 0x7fffffff
      high = shifted ^ (REDUCE.high[above] as number)
      low = ((low << 8) | (block[at] as number)) ^ (REDUCE.low[above] as number)
      const isBorder = at >= MIN_BYTES - 1 && (low & BORDER_BITS) === BORDER_BITS
      if (isBorder || at === MAX_BYTES - 1) return at + 1
    }
    scanned = end
    return undefined
  }

  function emit(length: number): void {
    onBlock(block.subarray(0, length))
    filled = scanned = high = low = 0
  }

  /** What is left is a block as well, however small. */
  function finish(): void {
    if (filled > 0) emit(filled)
  }

  return { write, finish }
}
