import { findInComment, readMinisignSignature, signatureScheme } from '@hotpatch/signatures'
import type { OfferCrypto } from './verify-offer.ts'

/**
 * Signing §10.1, of a manifest: its trusted comment names no version, or that of the release. Needs Node: where there is
 * none, minisign verifies nothing.
 */
export const verifyMinisign: NonNullable<OfferCrypto['verifyMinisign']> = async (publicKey, bytes, value) => {
  const signed = readMinisignSignature(value)
  if (!signed) return false
  // By its own word: whether it is that of the release is looked at once the bytes are known to be signed.
  const version = findInComment(signed.trustedComment, 'version') ?? ''
  const fault = await signatureScheme('minisign').findFault({ publicKey, value, version, bytes: onlyChunk(bytes) })
  if (fault !== undefined) return false
  return version === '' || withoutV(version) === withoutV(releaseIdOf(bytes))
}

async function* onlyChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Of bytes that are signed; whether they are a manifest is said elsewhere. */
function releaseIdOf(bytes: Uint8Array): string {
  try {
    const { release_id: id } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { release_id?: unknown }
    return typeof id === 'string' ? id : ''
  } catch {
    // No JSON: then no release is named, and no version fits.
    return ''
  }
}

function withoutV(version: string): string {
  return version.replace(/^v/, '')
}
