import { textFromUtf8 } from '@hotpatch/protocol'

/** Base64 without atob, which not every engine has. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const DIGITS = new Map(Array.from(ALPHABET, (character, value) => [character, value]))

/** Strict: undefined for anything that is not padded, canonical base64. */
export function bytesFromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let held = 0
  let length = 0
  for (let index = 0; index < text.length - padding; index += 1) {
    const digit = DIGITS.get(text.charAt(index))
    if (digit === undefined) return undefined
    held = (held << 6) | digit
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[length] = held >> bits
    length += 1
    held &= (1 << bits) - 1
  }
  return held === 0 ? bytes : undefined
}

/** Undefined when the bytes are not UTF-8 or not JSON. */
export function jsonFromUtf8(bytes: Uint8Array): unknown {
  const text = textFromUtf8(bytes)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The caller treats it like any other content that is not what it must be.
    return undefined
  }
}
