import type { Wanted } from '../download/download.ts'
import type { Offer, PatchOffer } from '../server/update-contract.ts'
import type { Identity, PatchIdentity } from '../state/stored-state.ts'

/** What is fetched as the whole bundle. */
export function bundleOf({ bundleUrl: url, encryption, sha256, sizeBytes }: Offer): Wanted {
  const stored = encryption ? { sha256: encryption.sha256, sizeBytes: encryption.sizeBytes } : { sha256, sizeBytes }
  return { name: 'the bundle', url, ...stored }
}

export function identityOf({ releaseId, version, sha256 }: Offer): Identity & { version: string } {
  return { releaseId, version, sha256 }
}

export function pairOf({ baseTree, tree }: PatchOffer): PatchIdentity {
  return { baseTree, tree }
}
