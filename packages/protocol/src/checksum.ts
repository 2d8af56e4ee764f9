const HEX = /^(?:sha-?256:)?([0-9a-f]{64})$/i
const BASE64 = /^sha256-([A-Za-z0-9+/]{43})=$/

/** App versions §8: a SHA-256 as people and tools write it; lower-case hex, or undefined when it is none. */
export function readChecksum(text: string): string | undefined {
  const hex = HEX.exec(text)?.[1]
  if (hex !== undefined) return hex.toLowerCase()
  const base64 = BASE64.exec(text)?.[1]
  return base64 === undefined ? undefined : hexFromBase64(base64)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** 43 digits of 6 bits are 32 bytes, and two bits that must be 0. Not atob, which some engines lack. */
function hexFromBase64(text: string): string | undefined {
  let [hex, bits, length] = ['', 0, 0]
  for (const digit of text) {
    bits = (bits << 6) | ALPHABET.indexOf(digit)
    length += 6
    if (length < 8) continue
    length -= 8
    hex += (bits >> length).toString(16).padStart(2, '0')
    bits &= (1 << length) - 1
  }
  return bits === 0 ? hex : undefined
}
