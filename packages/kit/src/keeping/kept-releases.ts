import {
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
  type KitManifest,
} from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { readKitFile, RELEASES_FILE, writeKitFile } from '../ground/kit-files.ts'
import type { KitOffer } from '../offers/kit-offer.ts'
import { MAX_OFFER_SIGNATURES, type OfferSignature } from '../offers/offer-signatures.ts'

/** Kits §8: what was signed of a release that this machine takes, or has: for the way back, and for its reports. */
export interface KeptRelease {
  releaseId: string
  sequence: number
  manifestText: string
  /** Verified again before anybody goes back to it: keys are taken out of kit.json for a reason. */
  signatures: readonly OfferSignature[]
  rolloutId: string | undefined
  /** Of those only one that worked is gone back to. */
  wasCommitted: boolean
}

/** What is installed, what was before, and what is being applied. */
const MAX_KEPT = 3

/** The newest last. @throws KitError storage-failed */
export async function readKeptReleases(disk: Pick<FilesPort, 'read' | 'stat'>): Promise<KeptRelease[]> {
  return (await readKitFile(disk, RELEASES_FILE, (value) => readArray(value, '', MAX_KEPT).map(readKept))) ?? []
}

/** Durable before anything of it is applied. */
export async function keepOffer(disk: FilesPort, offer: KitOffer): Promise<void> {
  const { manifest, manifestText, signatures, rolloutId } = offer
  const kept = await readKeptReleases(disk)
  const before = kept.find((each) => isSameRelease(each, manifest))
  const others = kept.filter((each) => each !== before && each.wasCommitted)
  const added: KeptRelease = {
    releaseId: manifest.releaseId,
    sequence: manifest.sequence,
    manifestText,
    signatures: signatures.slice(0, MAX_OFFER_SIGNATURES),
    rolloutId: rolloutId ?? before?.rolloutId,
    wasCommitted: before?.wasCommitted ?? false,
  }
  await writeKitFile(disk, RELEASES_FILE, [...others.slice(1 - MAX_KEPT), added])
}

/** What was committed last stands last; may be run twice. */
export async function noteCommitted(
  disk: FilesPort,
  manifest: Pick<KitManifest, 'releaseId' | 'sequence'>,
): Promise<void> {
  const kept = await readKeptReleases(disk)
  const found = kept.find((each) => isSameRelease(each, manifest))
  if (!found) return
  const others = kept.filter((each) => each !== found && each.wasCommitted)
  await writeKitFile(disk, RELEASES_FILE, [...others, { ...found, wasCommitted: true }])
}

export function isSameRelease(
  a: { releaseId: string; sequence?: number | undefined },
  b: { releaseId: string; sequence?: number | undefined },
): boolean {
  return a.releaseId === b.releaseId && a.sequence === b.sequence
}

function readKept(value: unknown, index: number): KeptRelease {
  const at = `/${index}`
  const json = readObject(value, at)
  if (typeof json.wasCommitted !== 'boolean') {
    throw new UnexpectedJsonError(`${at}/wasCommitted`, 'true or false', json.wasCommitted)
  }
  return {
    releaseId: readString(json.releaseId, `${at}/releaseId`),
    sequence: readInteger(json.sequence, `${at}/sequence`, 1),
    manifestText: readString(json.manifestText, `${at}/manifestText`),
    signatures: readArray(json.signatures, `${at}/signatures`, MAX_OFFER_SIGNATURES).map(readSignature),
    rolloutId: readOptional(json.rolloutId, (found) => readString(found, `${at}/rolloutId`)),
    wasCommitted: json.wasCommitted,
  }
}

function readSignature(value: unknown): OfferSignature {
  const json = readObject(value, '/signatures')
  if (json.scheme !== 'ed25519' && json.scheme !== 'minisign') {
    throw new UnexpectedJsonError('/signatures/scheme', 'ed25519 or minisign', json.scheme)
  }
  return {
    scheme: json.scheme,
    keyId: readOptional(json.keyId, (found) => readString(found, '/signatures/keyId')),
    value: readString(json.value, '/signatures/value'),
  }
}
