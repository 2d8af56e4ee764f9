// Without TextEncoder and TextDecoder, which not every device's engine has.

/** Half a character, a surrogate alone, becomes U+FFFD. */
export function utf8FromText(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(point))
    else if (point >= 0xd800 && point <= 0xdfff) bytes.push(0xef, 0xbf, 0xbd)
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point))
    else bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point))
  }
  return Uint8Array.from(bytes)
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f)
}

/** A list of thousands of files has a million characters: in blocks they are no million texts. */
const BLOCK = 4096

/** Strict: undefined for bytes that are not UTF-8, overlong forms and surrogates included. */
export function textFromUtf8(bytes: Uint8Array): string | undefined {
  let text = ''
  let points: number[] = []
  for (let index = 0; index < bytes.length;) {
    const lead = bytes[index] ?? 0
    const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    if (length === 0 || index + length > bytes.length) return undefined
    let point = length === 1 ? lead : lead & (0x7f >> length)
    for (let offset = 1; offset < length; offset += 1) {
      const byte = bytes[index + offset] ?? 0
      if ((byte & 0xc0) !== 0x80) return undefined
      point = (point << 6) | (byte & 0x3f)
    }
    const isOverlong = (length === 3 && point < 0x800) || (length === 4 && point < 0x10000)
    if (isOverlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
    points.push(point)
    if (points.length === BLOCK) {
      text += String.fromCodePoint(...points)
      points = []
    }
    index += length
  }
  return text + String.fromCodePoint(...points)
}
