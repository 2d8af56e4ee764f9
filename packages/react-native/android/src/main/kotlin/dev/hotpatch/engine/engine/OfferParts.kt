package dev.hotpatch.engine.engine

import dev.hotpatch.engine.download.Wanted
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.PatchIdentity

/** What is fetched as the whole bundle. */
internal fun bundleOf(offer: Offer): Wanted {
  val sha256 = offer.encryption?.sha256 ?: offer.sha256
  return Wanted("the bundle", offer.bundleUrl, sha256, offer.encryption?.sizeBytes ?: offer.sizeBytes)
}

internal fun releaseOf(offer: Offer, sequence: Long): InstalledRelease =
  InstalledRelease(offer.releaseId, offer.version, sequence, offer.sha256)

internal fun pairOf(patch: PatchOffer): PatchIdentity = PatchIdentity(patch.baseTree, patch.tree)
