/**
 * Whether a key has signed these bytes, by the browser's own cryptography; undefined where it knows no Ed25519.
 * @param publicKey the 32 raw bytes, as `signature` in base64
 */
export async function verifySignature(
  publicKey: string,
  signed: Uint8Array<ArrayBuffer>,
  signature: string,
): Promise<boolean | undefined> {
  try {
    const key = await crypto.subtle.importKey('raw', bytesOf(publicKey), { name: 'Ed25519' }, false, ['verify'])
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, bytesOf(signature), signed)
  } catch {
    // An older browser, or a page that did not come by HTTPS: then the server's own check stands alone.
    return undefined
  }
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0)
}
