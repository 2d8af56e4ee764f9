/** Of UTF-8; what is none becomes U+FFFD. Not TextDecoder, which some engines lack. */
export function textFromUtf8(bytes: Uint8Array): string {
  if (typeof TextDecoder === 'function') return new TextDecoder().decode(bytes)
  let escaped = ''
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`
  try {
    return decodeURIComponent(escaped)
  } catch {
    // What is not UTF-8 is no JSON either, and is refused as such.
    return '\uFFFD'
  }
}
