import { damaged } from '../ground/patch-error.ts'

export interface BitReader {
  /** At most 24. */
  read(bits: number): number
  /** Whether what is left is less than a byte. */
  isAtEnd(): boolean
}

/** From the highest bit of each byte down. */
export function createBitReader(bytes: Uint8Array): BitReader {
  let at = 0
  let held = 0
  let count = 0

  function read(bits: number): number {
    while (count < bits) {
      if (at >= bytes.length) throw damaged('Expected more of a bzip2 stream, found its end.')
      held = (held << 8) | bytes[at]!
      at += 1
      count += 8
    }
    count -= bits
    const value = (held >>> count) & ((1 << bits) - 1)
    held &= (1 << count) - 1
    return value
  }

  return { read, isAtEnd: () => at === bytes.length }
}
