import { createBitWriter } from './bit-writer.ts'
import { addToChecksum, CHECKSUM_START, combineChecksums, endChecksum } from './block-checksum.ts'
import { END_MAGIC, LEVEL_BYTES } from './bzip2-format.ts'
import { writeBlock } from './write-block.ts'

const LEVEL = 9
/** A little less than a reader's block, as bzip2 itself keeps it. */
const BLOCK_BYTES = LEVEL * LEVEL_BYTES - 19
const RUN = 4
const LONGEST_RUN = RUN + 251

/** One bzip2 stream of all `pieces`, one after the other. Yields several times for each block of some 900 kB. */
export function* bzip2(pieces: Iterable<Uint8Array>): Generator<undefined, Uint8Array> {
  const bits = createBitWriter()
  bits.write(0x425a68, 24)
  bits.write(0x30 + LEVEL, 8)
  const block = new Uint8Array(BLOCK_BYTES)
  let length = 0
  let checksum = CHECKSUM_START
  let streamChecksum = 0

  /** A run may go on in the next piece. */
  let byte = 0
  let run = 0

  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      if (run === LONGEST_RUN || (run > 0 && piece[at] !== byte)) {
        writeRun()
        // Room for the longest run as it is written.
        if (length + RUN + 1 > BLOCK_BYTES) yield* endBlock()
      }
      byte = piece[at]!
      const end = endOfRun(piece, at, LONGEST_RUN - run)
      checksum = addToChecksum(checksum, piece, at, end)
      run += end - at
      at = end
    }
  }
  if (run > 0) writeRun()
  if (length > 0) yield* endBlock()
  for (const magic of END_MAGIC) bits.write(magic, 24)
  bits.write(streamChecksum >>> 16, 16)
  bits.write(streamChecksum & 0xffff, 16)
  return bits.end()

  function writeRun(): void {
    const literal = Math.min(run, RUN)
    block.fill(byte, length, length + literal)
    length += literal
    if (literal === RUN) {
      block[length] = run - RUN
      length += 1
    }
    run = 0
  }

  function* endBlock(): Generator<undefined, void> {
    yield* writeBlock(bits, block.subarray(0, length), endChecksum(checksum))
    streamChecksum = combineChecksums(streamChecksum, endChecksum(checksum))
    length = 0
    checksum = CHECKSUM_START
  }
}

function endOfRun(bytes: Uint8Array, from: number, longest: number): number {
  const byte = bytes[from]
  const limit = Math.min(bytes.length, from + longest)
  let end = from + 1
  while (end < limit && bytes[end] === byte) end += 1
  return end
}
