import { damaged } from './patch-error.ts'

export interface ByteReader {
  byte(): number
  /** Patches §5.2: seven bits at a time, the lowest first; up to 2^53 − 1, in as few bytes as it takes. */
  number(): number
  take(length: number): Uint8Array
  /** Refuses what is left. */
  end(): void
}

const MAX_NUMBER_BYTES = 8

export function createByteReader(bytes: Uint8Array, what: string): ByteReader {
  let at = 0

  function take(length: number): Uint8Array {
    if (length > bytes.length - at)
      throw damaged(`Expected ${length} bytes more of ${what}, found ${bytes.length - at}.`)
    at += length
    return bytes.subarray(at - length, at)
  }

  function byte(): number {
    return take(1)[0]!
  }

  function number(): number {
    let value = 0
    let weight = 1
    for (let count = 1; count <= MAX_NUMBER_BYTES; count += 1) {
      const next = byte()
      value += (next % 128) * weight
      weight *= 128
      if (next >= 128) continue
      if (next === 0 && count > 1)
        throw damaged(`Expected the shortest form of a number of ${what}, found a longer one.`)
      if (!Number.isSafeInteger(value)) break
      return value
    }
    throw damaged(`Expected a number of ${what} below 2^53, found a larger one.`)
  }

  function end(): void {
    if (at < bytes.length) throw damaged(`Expected the end of ${what}, found ${bytes.length - at} bytes more.`)
  }

  return { byte, number, take, end }
}
