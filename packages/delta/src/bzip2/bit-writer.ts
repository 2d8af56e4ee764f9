export interface BitWriter {
  /** At most 24. */
  write(value: number, bits: number): void
  /** Whole bytes, the last one filled with zeros. */
  end(): Uint8Array
}

/** From the highest bit of each byte down. */
export function createBitWriter(): BitWriter {
  let bytes = new Uint8Array(64 * 1024)
  let length = 0
  let held = 0
  let count = 0

  function write(value: number, bits: number): void {
    held = (held << bits) | value
    count += bits
    while (count >= 8) {
      count -= 8
      if (length === bytes.length) grow()
      bytes[length] = held >>> count
      length += 1
    }
    held &= (1 << count) - 1
  }

  function grow(): void {
    const grown = new Uint8Array(bytes.length * 2)
    grown.set(bytes)
    bytes = grown
  }

  function end(): Uint8Array {
    if (count > 0) write(0, 8 - count)
    return bytes.slice(0, length)
  }

  return { write, end }
}
