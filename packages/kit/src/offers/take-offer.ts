import type { FilesPort } from '@hotpatch/device-ground'
import type { Installation } from '../installation/installation.ts'
import { expectApp, judgeOffer, verifyManifest, type SignedBytes } from './judge-offer.ts'
import type { ArtifactSource, KitOffer } from './kit-offer.ts'
import { raiseTrust } from './trust-state.ts'
import type { OfferCrypto } from './verify-offer.ts'

export interface OfferTaking {
  disk: FilesPort
  crypto: OfferCrypto
  installation: Pick<Installation, 'publicKeys' | 'source'>
  installerVersion: string
  /** Of what is installed, by its own word. */
  installedSequence: number
}

/**
 * Kits §6: what came is an offer once its signature is verified and this machine may have it. The floor of whatever was
 * signed for this app is remembered, even if it is not taken.
 * @throws KitError with the reason for which it is none
 */
export async function takeOffer(
  came: SignedBytes & { artifacts: ArtifactSource; rolloutId: string | undefined },
  { disk, crypto, installation, installerVersion, installedSequence }: OfferTaking,
): Promise<KitOffer> {
  const appId = installation.source?.appId
  const verified = await verifyManifest(came, installation.publicKeys, crypto)
  expectApp(verified.manifest, { appId })
  const trust = await raiseTrust(disk, { floor: verified.manifest.floor })
  const sequence = Math.max(trust.sequence, installedSequence)
  judgeOffer(verified.manifest, { trust: { ...trust, sequence }, installerVersion })
  return { ...verified, signatures: came.signatures, rolloutId: came.rolloutId, artifacts: came.artifacts }
}
