import {
  MAX_KIT_MANIFEST_BYTES,
  readKitManifest,
  textFromUtf8,
  UnexpectedJsonError,
  type KitManifest,
} from '@hotpatch/protocol'
import { refuse, type Refused } from './judge-manifest.ts'
import type { OfferSignature } from './offer-signatures.ts'
import { verifyOffer, type OfferCrypto } from './verify-offer.ts'

/** A manifest as it came, and what is said to sign it. */
export interface SignedBytes {
  bytes: Uint8Array
  signatures: readonly OfferSignature[]
}

export interface VerifiedManifest {
  manifest: KitManifest
  /** The exact text that was signed. */
  manifestText: string
  /** That verified it, as whoever asked has it. */
  publicKey: string
}

/** Kits §6: first the signature over the exact bytes, and only then what they say. In browsers, too. */
export async function readSignedOffer(
  { bytes, signatures }: SignedBytes,
  publicKeys: readonly string[],
  crypto: OfferCrypto,
): Promise<({ kind: 'verified' } & VerifiedManifest) | Refused> {
  if (bytes.length > MAX_KIT_MANIFEST_BYTES) return tooLong(bytes)
  const verdict = await verifyOffer(bytes, signatures, publicKeys, crypto)
  if (verdict.kind === 'refused') return refuse(verdict.code, REFUSED[verdict.code])
  const read = readOffer(bytes)
  return read.kind === 'refused' ? read : { ...read, kind: 'verified', publicKey: verdict.publicKey }
}

const REFUSED = {
  'signature-missing': 'expected a signature beside the manifest, and only signed ones are taken: found none',
  'signature-invalid': 'expected a signature by one of the known keys ("publicKeys"), found none that verifies',
} as const

/** What an installer has inside, and nobody has signed. */
export function readOffer(bytes: Uint8Array): { kind: 'read'; manifest: KitManifest; manifestText: string } | Refused {
  if (bytes.length > MAX_KIT_MANIFEST_BYTES) return tooLong(bytes)
  const manifestText = textFromUtf8(bytes)
  if (manifestText === undefined) return refuse('manifest-invalid', 'the offered manifest is not UTF-8')
  try {
    return { kind: 'read', manifest: readKitManifest(manifestText), manifestText }
  } catch (error) {
    if (error instanceof UnexpectedJsonError)
      return refuse('manifest-invalid', `the offered manifest: ${error.message}`)
    throw error
  }
}

function tooLong({ length }: Uint8Array): Refused {
  const message = `expected a manifest of at most ${MAX_KIT_MANIFEST_BYTES} bytes, found ${length}`
  return refuse('manifest-invalid', message)
}
