import type { KitManifest } from '@hotpatch/protocol'
import type { OfferSignature } from './offer-signatures.ts'

/** Kits §6: a manifest as it was offered, whose signature was verified. */
export interface KitOffer {
  manifest: KitManifest
  /** The exact text that was signed. */
  manifestText: string
  /** That verified it, as the installation has it. */
  publicKey: string
  /** That came with it; kept with the release, so that it can be verified again before anybody goes back to it. */
  signatures: readonly OfferSignature[]
  /** The rollout that brought it, by the server's word; for reports alone. */
  rolloutId: string | undefined
  /** Where its artifacts are, by their SHA-256. */
  artifacts: ArtifactSource
}

export type ArtifactSource = { kind: 'http'; url(sha256: string): string } | { kind: 'folder'; path: string }
