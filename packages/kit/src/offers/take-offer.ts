import type { FilesPort } from '@hotpatch/device-ground'
import { KitError, type KitCode } from '../ground/kit-error.ts'
import type { Installation } from '../installation/installation.ts'
import { installerFits, judgeManifest } from './judge-manifest.ts'
import type { ArtifactSource, KitOffer } from './kit-offer.ts'
import { readSignedOffer, type SignedBytes, type VerifiedManifest } from './read-offer.ts'
import { raiseTrust, readTrust, type KitTrust } from './trust-state.ts'
import type { OfferCrypto } from './verify-offer.ts'

export interface OfferTaking {
  disk: FilesPort
  crypto: OfferCrypto
  installation: Pick<Installation, 'publicKeys' | 'source'>
  /** That was asked for, of a server or of a bundle. */
  channel: string
  installerVersion: string
  /** What is installed, by its own word: nobody has signed that, so it counts while it stands there. */
  installed: { sequence?: number | undefined; releaseId: string } | undefined
}

/**
 * Kits §6.8: what came is an offer once its signature is verified and this machine may have it. The floor of whatever was
 * signed for this app is remembered, even if it is not taken.
 * @throws KitError with the reason for which it is none
 */
export async function takeOffer(
  came: SignedBytes & { artifacts: ArtifactSource; rolloutId: string | undefined },
  { disk, crypto, installation, channel, installerVersion, installed }: OfferTaking,
): Promise<KitOffer> {
  const verified = await verifyManifest(came, installation.publicKeys, crypto)
  const { manifest } = verified
  const known = knownTo(await readTrust(disk), installed)
  const refused = judgeManifest(manifest, { appId: installation.source?.appId, channel, ...known })
  if (refused?.code !== 'wrong-app') await raiseTrust(disk, { floor: manifest.floor })
  if (refused)
    throw new KitError(refused.code, refused.message + adviceOn(refused.code, manifest.channel, came.artifacts))
  if (installerFits(manifest, installerVersion) !== 'fits') {
    const message = `${manifest.releaseId} needs version ${manifest.minInstallerVersion} of what installs it, this is ${installerVersion}: update hotpatch first`
    throw new KitError('installer-too-old', message)
  }
  return { ...verified, signatures: came.signatures, rolloutId: came.rolloutId, artifacts: came.artifacts }
}

function adviceOn(code: KitCode, channel: string, { kind }: ArtifactSource): string {
  if (code !== 'wrong-channel') return ''
  if (kind === 'folder') return `: to take it all the same, name its channel (--channel ${channel})`
  return `: whoever serves it here has taken it from elsewhere; its publisher brings it to a channel with "hotpatch promote"`
}

/** @throws KitError signature-missing, signature-invalid, manifest-invalid */
export async function verifyManifest(
  signed: SignedBytes,
  publicKeys: readonly string[],
  crypto: OfferCrypto,
): Promise<VerifiedManifest> {
  const read = await readSignedOffer(signed, publicKeys, crypto)
  if (read.kind === 'refused') throw new KitError(read.code, read.message)
  const { manifest, manifestText, publicKey } = read
  return { manifest, manifestText, publicKey }
}

/** What is remembered, or what stands there, where that is higher. */
export function knownTo(trust: KitTrust, installed: OfferTaking['installed']): KitTrust {
  const sequence = installed?.sequence ?? 0
  if (sequence < trust.sequence || (sequence === trust.sequence && trust.releaseId !== undefined)) return trust
  return { ...trust, sequence, releaseId: installed?.releaseId }
}
