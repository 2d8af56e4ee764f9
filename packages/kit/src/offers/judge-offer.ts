import {
  compileRequirement,
  MAX_KIT_MANIFEST_BYTES,
  parseNativeVersion,
  readKitManifest,
  requirementReason,
  textFromUtf8,
  UnexpectedJsonError,
  type KitManifest,
} from '@hotpatch/protocol'
import { KitError } from '../ground/kit-error.ts'
import type { OfferSignature } from './offer-signatures.ts'
import type { KitTrust } from './trust-state.ts'
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
  /** That verified it, as the installation has it. */
  publicKey: string
}

/**
 * Kits §6: first the signature over the exact bytes, then what they say.
 * @throws KitError signature-missing, signature-invalid, manifest-invalid
 */
export async function verifyManifest(
  { bytes, signatures }: SignedBytes,
  publicKeys: readonly string[],
  crypto: OfferCrypto,
): Promise<VerifiedManifest> {
  if (bytes.length > MAX_KIT_MANIFEST_BYTES) {
    const found = `the offered manifest has ${bytes.length} bytes, expected at most ${MAX_KIT_MANIFEST_BYTES}`
    throw new KitError('manifest-invalid', found)
  }
  const verdict = await verifyOffer(bytes, signatures, publicKeys, crypto)
  if (verdict.kind === 'refused') throw new KitError(verdict.code, REFUSED[verdict.code])
  const manifestText = textFromUtf8(bytes)
  if (manifestText === undefined) throw new KitError('manifest-invalid', 'the offered manifest is not UTF-8')
  try {
    return { manifest: readKitManifest(manifestText), manifestText, publicKey: verdict.publicKey }
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new KitError('manifest-invalid', `the offered manifest: ${cause.message}`, { cause })
  }
}

const REFUSED = {
  'signature-missing': 'the offered manifest has no signature, and only signed ones are taken',
  'signature-invalid': 'none of the keys in kit.json ("publicKeys") signed the offered manifest',
} as const

/** What an offer is held against. */
export interface OfferContext {
  /** Undefined where the installation asks nobody, and takes bundles alone: then its keys decide. */
  appId: string | undefined
  trust: KitTrust
  /** Of whatever applies it. */
  installerVersion: string
}

/** @throws KitError wrong-app: then nothing else of it means anything */
export function expectApp({ appId: found }: KitManifest, { appId }: Pick<OfferContext, 'appId'>): void {
  if (appId === undefined || found === appId) return
  throw new KitError('wrong-app', `the offered kit is of the app ${found}, this installation is of ${appId}`)
}

/**
 * Kits §6: whether this machine may have it at all.
 * @throws KitError below-floor, sequence-too-low, installer-too-old
 */
export function judgeOffer(
  manifest: KitManifest,
  { trust, installerVersion }: Pick<OfferContext, 'trust' | 'installerVersion'>,
): void {
  const { releaseId, sequence, minInstallerVersion } = manifest
  if (sequence < trust.floor) {
    const message = `${releaseId} has the sequence ${sequence}; its publisher wants nobody below ${trust.floor} again`
    throw new KitError('below-floor', message)
  }
  if (sequence < trust.sequence) {
    const message = `${releaseId} has the sequence ${sequence}; this machine has committed ${trust.sequence} before`
    throw new KitError('sequence-too-low', message)
  }
  if (minInstallerVersion !== undefined && !isAtLeast(installerVersion, minInstallerVersion)) {
    const message = `${releaseId} needs version ${minInstallerVersion} of what installs it, this is ${installerVersion}: update hotpatch first`
    throw new KitError('installer-too-old', message)
  }
}

/** As the server compares it. */
export function isAtLeast(version: string, minNativeVersion: string): boolean {
  const subject = {
    native: parseNativeVersion(version),
    runtimeVersion: undefined,
    osVersion: undefined,
    architecture: undefined,
  }
  return requirementReason(compileRequirement({ minNativeVersion }), subject) === undefined
}
