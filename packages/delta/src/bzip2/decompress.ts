import { damaged } from '../ground/patch-error.ts'
import { createBitReader } from './bit-reader.ts'
import { addToChecksum, CHECKSUM_START, combineChecksums, endChecksum } from './block-checksum.ts'
import { BLOCK_MAGIC, END_MAGIC, LEVEL_BYTES } from './bzip2-format.ts'
import { readBlock } from './read-block.ts'

export interface Bunzip2 {
  /**
   * Fills `target` from `from` to `to` with what comes next; returns where it stopped, before `to` only at the end of the
   * stream. Unpacks no more than that needs, so a small stream that stands for gigabytes costs what is asked of it.
   */
  readInto(target: Uint8Array, from: number, to: number): number
  /** Refuses a stream that goes on. */
  end(): void
}

/** Four equal bytes are followed by how often the byte comes again. */
const RUN = 4

/** Reads one bzip2 stream, which must end where `bytes` do: 4 bytes of memory for each of a block, 3.6 MB at most. */
export function createBunzip2(bytes: Uint8Array): Bunzip2 {
  const bits = createBitReader(bytes)
  if (bits.read(24) !== 0x425a68) throw damaged('Expected a bzip2 stream, found something else.')
  const level = bits.read(8) - 0x30
  if (level < 1 || level > 9) throw damaged('Expected a bzip2 level from 1 to 9, found another.')

  let links: Int32Array | undefined
  let isEnded = false
  /** Of the block that is read: bytes that were not followed yet, and where the next one is. */
  let left = 0
  let next = 0
  /** The last byte, how often it came in a row, and how often it has to come again. */
  let byte = -1
  let seen = 0
  let repeats = 0
  let expected = 0
  let checksum = CHECKSUM_START
  let streamChecksum = 0

  function readInto(target: Uint8Array, from: number, to: number): number {
    let at = from
    while (at < to && openBlock()) {
      const stop = unrun(target, at, to)
      checksum = addToChecksum(checksum, target, at, stop)
      at = stop
      if (left === 0 && repeats === 0) closeBlock()
    }
    return at
  }

  /** Whether there is something to read. */
  function openBlock(): boolean {
    if (left === 0 && repeats === 0 && !isEnded) readHeader()
    return !isEnded
  }

  function readHeader(): void {
    const [first, second] = [bits.read(24), bits.read(24)]
    expected = (bits.read(16) << 16) | bits.read(16)
    if (first === END_MAGIC[0] && second === END_MAGIC[1]) {
      if (expected !== streamChecksum) throw otherChecksum()
      if (!bits.isAtEnd()) throw damaged('Expected the end of a bzip2 stream, found more behind it.')
      isEnded = true
      return
    }
    if (first !== BLOCK_MAGIC[0] || second !== BLOCK_MAGIC[1]) {
      throw damaged('Expected a block or the end of a bzip2 stream, found neither.')
    }
    links ??= new Int32Array(level * LEVEL_BYTES)
    const block = readBlock(bits, links)
    left = block.length
    next = block.start
    byte = -1
    seen = 0
    checksum = CHECKSUM_START
  }

  /** Follows the block and undoes its runs, until the target or the block is full. */
  function unrun(target: Uint8Array, from: number, to: number): number {
    const followed = links!
    let at = from
    while (at < to) {
      if (repeats > 0) {
        const stop = Math.min(to, at + repeats)
        target.fill(byte, at, stop)
        repeats -= stop - at
        at = stop
        continue
      }
      if (left === 0) break
      const link = followed[next]!
      next = link >>> 8
      left -= 1
      const value = link & 0xff
      if (seen === RUN) {
        repeats = value
        seen = 0
        // What comes next begins a new run, be it the same byte.
        continue
      }
      seen = value === byte ? seen + 1 : 1
      byte = value
      target[at] = value
      at += 1
    }
    // The count of the last run may be all that is left.
    if (left === 1 && seen === RUN) {
      repeats = followed[next]! & 0xff
      left = 0
      seen = 0
    }
    return at
  }

  function closeBlock(): void {
    if (endChecksum(checksum) !== expected) throw otherChecksum()
    streamChecksum = combineChecksums(streamChecksum, expected)
  }

  function end(): void {
    if (openBlock()) throw damaged('Expected a bzip2 stream to end with what it is for, found more in it.')
  }

  return { readInto, end }
}

function otherChecksum(): Error {
  return damaged('Expected the checksum of a bzip2 stream, found another.')
}
