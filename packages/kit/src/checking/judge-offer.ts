import {
  compareWithBound,
  MAX_KIT_MANIFEST_BYTES,
  parseNativeVersion,
  readKitManifest,
  textFromUtf8,
  UnexpectedJsonError,
  type InstalledKit,
  type KitManifest,
} from '@hotpatch/protocol'
import type { KitCode } from '../ground/kit-error.ts'
import type { OfferSignature } from '../offers/offer-signatures.ts'
import { verifyOffer, type OfferCrypto } from '../offers/verify-offer.ts'
import type { KnownOutcome, OfferedUpdate } from './check-outcome.ts'

export interface OfferJudge {
  appId: string | undefined
  publicKeys: readonly string[]
  /** The highest floor that was seen signed. */
  floor: number
  installed: InstalledKit
  installerVersion: string | undefined
  /** Of an installer that has it inside: without a signature it can be available, and never required. */
  isBundled: boolean
  crypto: OfferCrypto
}

export type JudgedOffer =
  | { kind: 'judged'; outcome: KnownOutcome; floor: number }
  | { kind: 'refused'; code: KitCode; message: string }

/** Kits §6: what an offer means to somebody who has this installed. Nothing of it is read before its signature. */
export async function judgeOffer(
  bytes: Uint8Array,
  signatures: readonly OfferSignature[],
  judge: OfferJudge,
): Promise<JudgedOffer> {
  if (bytes.length > MAX_KIT_MANIFEST_BYTES) {
    return refuse('manifest-invalid', `expected at most ${MAX_KIT_MANIFEST_BYTES} bytes, found ${bytes.length}`)
  }
  const isUnsigned = judge.isBundled && signatures.length === 0
  if (!isUnsigned) {
    const verdict = await verifyOffer(bytes, signatures, judge.publicKeys, judge.crypto)
    if (verdict.kind === 'refused') return refuse(verdict.code, unsigned(verdict.code))
  }
  const manifest = readOffered(bytes)
  if ('kind' in manifest) return manifest
  return judgeManifest(manifest, judge, !isUnsigned)
}

function judgeManifest(manifest: KitManifest, judge: OfferJudge, isVerified: boolean): JudgedOffer {
  const { installed } = judge
  if (judge.appId !== undefined && manifest.appId !== judge.appId) {
    return refuse('wrong-app', `expected a kit of the app ${judge.appId}, found one of ${manifest.appId}`)
  }
  // Signing §1: what a key has once signed as the lowest holds, whatever a server offers later.
  if (manifest.sequence < judge.floor) {
    return refuse('below-floor', `expected a sequence of at least ${judge.floor}, found ${manifest.sequence}`)
  }
  const isSame = manifest.releaseId === installed.releaseId
  const highWater = installed.sequence ?? 0
  if (isSame ? manifest.sequence < highWater : manifest.sequence <= highWater && highWater > 0) {
    return refuse('sequence-too-low', `expected a sequence above ${highWater}, found ${manifest.sequence}`)
  }
  const floor = isVerified ? Math.max(judge.floor, manifest.floor) : judge.floor
  if (isSame) {
    return { kind: 'judged', floor, outcome: { kind: 'up_to_date', releaseId: installed.releaseId, reason: undefined } }
  }
  const isRequired = isVerified && manifest.severity !== 'informational'
  const update = updateOf(manifest, judge)
  const kind = isRequired ? 'update_required' : 'update_available'
  return { kind: 'judged', floor, outcome: { kind, installed: installed.releaseId, update } }
}

function updateOf(manifest: KitManifest, { installed, installerVersion }: OfferJudge): OfferedUpdate {
  const { releaseId, channel, sequence, severity, notes, expectedDowntimeSeconds, minInstallerVersion } = manifest
  return {
    releaseId,
    channel,
    sequence,
    severity,
    notes,
    expectedDowntimeSeconds,
    minInstallerVersion,
    needsNewerInstaller: isOlder(installerVersion, minInstallerVersion),
    components: manifest.components.flatMap(({ id, version, files }) => {
      const before = Object.hasOwn(installed.components, id) ? installed.components[id] : undefined
      const isLeft =
        before?.version === version &&
        (before.sha256 === undefined || files.length === 0 || files.some(({ sha256 }) => sha256 === before.sha256))
      return isLeft ? [] : [{ id, from: before?.version, to: version }]
    }),
  }
}

/** Kits §6: of a version that nobody knows, nobody says that it is too old. */
function isOlder(installerVersion: string | undefined, minimum: string | undefined): boolean {
  const version = parseNativeVersion(installerVersion ?? '')
  const bound = parseNativeVersion(minimum ?? '')
  return version !== undefined && bound !== undefined && compareWithBound(version, bound) < 0
}

function readOffered(bytes: Uint8Array): KitManifest | Extract<JudgedOffer, { kind: 'refused' }> {
  const text = textFromUtf8(bytes)
  if (text === undefined) return refuse('manifest-invalid', 'expected UTF-8, found other bytes')
  try {
    return readKitManifest(text)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return refuse('manifest-invalid', error.message)
    throw error
  }
}

function unsigned(code: 'signature-missing' | 'signature-invalid'): string {
  return code === 'signature-missing'
    ? 'expected a signature beside the manifest, found none'
    : 'expected a signature by one of the known keys, found none that verifies'
}

function refuse(code: KitCode, message: string): Extract<JudgedOffer, { kind: 'refused' }> {
  return { kind: 'refused', code, message }
}
