/** Strict, without what only some engines have: undefined for anything that is not padded, canonical base64. */
export function bytesFromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const characters = atob(text)
  // Stray bits at the end would be a second spelling of the same.
  return btoa(characters) === text ? Uint8Array.from(characters, (each) => each.charCodeAt(0)) : undefined
}

export function base64FromBytes(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
