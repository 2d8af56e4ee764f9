import type { InstalledKit, KitManifest } from '@hotpatch/protocol'
import { installerFits, isRequired, judgeManifest, type Refused } from '../offers/judge-manifest.ts'
import type { OfferSignature } from '../offers/offer-signatures.ts'
import { readOffer, readSignedOffer } from '../offers/read-offer.ts'
import type { OfferCrypto } from '../offers/verify-offer.ts'
import type { KnownOutcome, OfferedUpdate } from './check-outcome.ts'

export interface OfferJudge {
  appId: string | undefined
  /** That is asked; an installer's own is of whichever it was made for. */
  channel: string
  publicKeys: readonly string[]
  /** The highest floor that was seen signed. */
  floor: number
  installed: InstalledKit
  installerVersion: string | undefined
  /** Of an installer that has it inside: without a signature it can be available, and never required. */
  isBundled: boolean
  crypto: OfferCrypto
}

export type JudgedOffer = { kind: 'judged'; outcome: KnownOutcome; floor: number } | Refused

/** Kits §6: what an offer means to somebody who has this installed. Nothing of it is read before its signature. */
export async function judgeOffer(
  bytes: Uint8Array,
  signatures: readonly OfferSignature[],
  judge: OfferJudge,
): Promise<JudgedOffer> {
  const isUnsigned = judge.isBundled && signatures.length === 0
  const read = isUnsigned
    ? readOffer(bytes)
    : await readSignedOffer({ bytes, signatures }, judge.publicKeys, judge.crypto)
  return read.kind === 'refused' ? read : outcomeOf(read.manifest, judge, !isUnsigned)
}

function outcomeOf(manifest: KitManifest, judge: OfferJudge, isVerified: boolean): JudgedOffer {
  const { installed, appId, isBundled } = judge
  const channel = isBundled ? undefined : judge.channel
  const { releaseId, sequence = 0 } = installed
  const refused = judgeManifest(manifest, { appId, channel, floor: judge.floor, sequence, releaseId })
  if (refused) return refused
  const floor = isVerified ? Math.max(judge.floor, manifest.floor) : judge.floor
  if (manifest.releaseId === releaseId) {
    return { kind: 'judged', floor, outcome: { kind: 'up_to_date', releaseId, reason: undefined } }
  }
  const update = updateOf(manifest, judge)
  const kind = isVerified && isRequired(manifest) ? 'update_required' : 'update_available'
  return { kind: 'judged', floor, outcome: { kind, installed: releaseId, update } }
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
    // Of a version that nobody knows, nobody says that it is too old.
    needsNewerInstaller: installerFits(manifest, installerVersion) === 'too-old',
    components: manifest.components.flatMap(({ id, version, files }) => {
      const before = Object.hasOwn(installed.components, id) ? installed.components[id] : undefined
      const isLeft =
        before?.version === version &&
        (before.sha256 === undefined || files.length === 0 || files.some(({ sha256 }) => sha256 === before.sha256))
      return isLeft ? [] : [{ id, from: before?.version, to: version }]
    }),
  }
}
