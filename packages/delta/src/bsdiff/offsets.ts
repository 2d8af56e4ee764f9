import { damaged } from '../ground/patch-error.ts'

export const OFFSET_BYTES = 8
const BYTE = 256
/** The sign is the highest bit, beside the amount. */
const SIGN = 0x80

/** As bsdiff writes whole numbers: eight bytes, the lowest first. */
export function writeOffset(bytes: Uint8Array, at: number, value: number): void {
  let amount = Math.abs(value)
  for (let index = 0; index < OFFSET_BYTES; index += 1) {
    bytes[at + index] = amount % BYTE
    amount = Math.floor(amount / BYTE)
  }
  if (value < 0) bytes[at + OFFSET_BYTES - 1]! |= SIGN
}

export function readOffset(bytes: Uint8Array, at: number): number {
  const last = bytes[at + OFFSET_BYTES - 1]!
  let amount = last % SIGN
  for (let index = OFFSET_BYTES - 2; index >= 0; index -= 1) amount = amount * BYTE + bytes[at + index]!
  if (!Number.isSafeInteger(amount)) throw damaged('Expected a number of a patch, found one beyond 2^53.')
  // Minus nothing is nothing.
  return last >= SIGN && amount > 0 ? -amount : amount
}
