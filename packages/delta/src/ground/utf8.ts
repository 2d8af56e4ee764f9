/** Without TextEncoder and TextDecoder, which not every engine has, and for short texts. Throws for half a surrogate pair. */
export function utf8FromText(text: string): Uint8Array {
  const escaped = encodeURIComponent(text)
  const bytes: number[] = []
  for (let index = 0; index < escaped.length; index += 1) {
    const isEscape = escaped[index] === '%'
    bytes.push(isEscape ? Number.parseInt(escaped.slice(index + 1, index + 3), 16) : escaped.charCodeAt(index))
    if (isEscape) index += 2
  }
  return Uint8Array.from(bytes)
}

/** Strict: undefined for bytes that are not UTF-8, overlong forms and surrogates included. */
export function textFromUtf8(bytes: Uint8Array): string | undefined {
  let escaped = ''
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`
  try {
    return decodeURIComponent(escaped)
  } catch {
    // The only thing it throws for.
    return undefined
  }
}
