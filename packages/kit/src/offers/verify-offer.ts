import type { CryptoPort } from '@hotpatch/device-ground'
import { bytesFromBase64 } from '../ground/base64.ts'
import { MAX_OFFER_SIGNATURES, type OfferSignature } from './offer-signatures.ts'

/** How signatures are verified here. */
export interface OfferCrypto extends Pick<CryptoPort, 'verifyEd25519'> {
  /**
   * Whether a .minisig text in base64 is one of this key (`RW…`) over these bytes. Undefined where minisign is not to be
   * had: its signatures verify nothing then.
   */
  verifyMinisign?(publicKey: string, bytes: Uint8Array, signature: string): boolean | Promise<boolean>
}

export type OfferVerdict =
  | { kind: 'verified'; publicKey: string }
  | { kind: 'refused'; code: 'signature-missing' | 'signature-invalid' }

/** Kits §6: more keys than an installation has a use for. */
export const MAX_OFFER_KEYS = 16
const MINISIGN_KEY = /^RW[A-Za-z0-9+/]{54}$/

/**
 * Kits §6: whether one of the known keys has signed exactly these bytes. Nothing is read from them before. It needs
 * nothing of Node: applications ask it in browsers, too.
 */
export async function verifyOffer(
  bytes: Uint8Array,
  signatures: readonly OfferSignature[],
  publicKeys: readonly string[],
  crypto: OfferCrypto,
): Promise<OfferVerdict> {
  if (signatures.length === 0) return { kind: 'refused', code: 'signature-missing' }
  for (const publicKey of publicKeys.slice(0, MAX_OFFER_KEYS)) {
    for (const signature of signatures.slice(0, MAX_OFFER_SIGNATURES)) {
      if (await isSignedBy(publicKey, bytes, signature, crypto)) return { kind: 'verified', publicKey }
    }
  }
  return { kind: 'refused', code: 'signature-invalid' }
}

async function isSignedBy(
  publicKey: string,
  bytes: Uint8Array,
  { scheme, value }: OfferSignature,
  crypto: OfferCrypto,
): Promise<boolean> {
  const isMinisignKey = MINISIGN_KEY.test(publicKey)
  if ((scheme === 'minisign') !== isMinisignKey) return false
  if (isMinisignKey) return (await crypto.verifyMinisign?.(publicKey, bytes, value)) ?? false
  const key = bytesFromBase64(publicKey)
  const signature = bytesFromBase64(value)
  if (key?.length !== 32 || signature?.length !== 64) return false
  return crypto.verifyEd25519(key, bytes, signature)
}
