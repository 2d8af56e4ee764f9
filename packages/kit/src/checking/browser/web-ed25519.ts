import type { OfferCrypto } from '../../offers/verify-offer.ts'

/**
 * By the browser itself where it can: pages that came over http: have no WebCrypto, and older browsers no Ed25519. Then by
 * a library, which is fetched only there.
 */
export function webEd25519(): Pick<OfferCrypto, 'verifyEd25519'> {
  return {
    async verifyEd25519(publicKey, message, signature) {
      const byBrowser = await verifyByBrowser(publicKey, message, signature)
      if (byBrowser !== undefined) return byBrowser
      const { ed25519 } = await import('@noble/curves/ed25519.js')
      try {
        // RFC 8032, without the points of small order that ZIP 215 takes.
        return ed25519.verify(signature, message, publicKey, { zip215: false })
      } catch {
        // Bytes that are no key verify nothing.
        return false
      }
    },
  }
}

/** Undefined where it cannot. */
async function verifyByBrowser(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean | undefined> {
  const subtle = globalThis.crypto?.subtle as typeof globalThis.crypto.subtle | undefined
  if (subtle === undefined) return undefined
  try {
    const key = await subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', false, ['verify'])
    return await subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(message))
  } catch (error) {
    // DataError: bytes that are no key. Everything else: an engine that does not know the algorithm.
    return (error as { name?: unknown }).name === 'DataError' ? false : undefined
  }
}
