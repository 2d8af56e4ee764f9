import { bytesFromHex } from '../hex.ts'

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Of bytes in hex, without padding, as Expo's client compares it: as a text. */
export function base64UrlFromHex(hex: string): string {
  let [text, bits, length] = ['', 0, 0]
  for (const byte of bytesFromHex(hex) ?? []) {
    bits = (bits << 8) | byte
    length += 8
    while (length >= 6) {
      length -= 6
      text += DIGITS[(bits >> length) & 63]
    }
    bits &= (1 << length) - 1
  }
  return length === 0 ? text : text + DIGITS[(bits << (6 - length)) & 63]
}
