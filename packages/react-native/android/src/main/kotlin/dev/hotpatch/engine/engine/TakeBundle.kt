package dev.hotpatch.engine.engine

import dev.hotpatch.engine.decrypt.ExpectedInside
import dev.hotpatch.engine.download.BUNDLE
import dev.hotpatch.engine.download.Judgement
import dev.hotpatch.engine.ground.DownloadArrival
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.expectRoom
import dev.hotpatch.engine.install.Installation
import dev.hotpatch.engine.install.VerifiedDownload
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.state.PENDING
import dev.hotpatch.engine.state.PENDING_OPENED
import dev.hotpatch.engine.state.PENDING_ZIP
import dev.hotpatch.protocol.EncryptedPurpose
import dev.hotpatch.protocol.SdkCode

/** From an offer to a staged release, by its whole bundle. `earlierBytes` came of its patch, for nothing. */
internal fun takeBundle(offer: Offer, judgement: Judgement, earlierBytes: Long, context: FlowContext) {
  makeRoom(offer, context)
  val bundle = bundleOf(offer)
  val releaseId = offer.releaseId
  val receivedBytes = fetchVerified(bundle, BUNDLE, releaseId, context) {
    context.emit(EngineEvent.Progress(it, bundle.sizeBytes, releaseId))
  }
  installAndStage(offer, judgement, earlierBytes + receivedBytes, context)
}

private fun makeRoom(offer: Offer, context: FlowContext) {
  val most = context.installer.maxBytes(context.limits)
  val sizeBytes = bundleOf(offer).sizeBytes
  val largest = maxOf(sizeBytes, offer.sizeBytes)
  if (largest > most) {
    throw UpdateError(SdkCode.DOWNLOAD_TOO_LARGE, "$largest bytes are more than the limit $most")
  }
  val files = context.ports.files
  files.makeDirectory(PENDING)
  expectRoom(files, if (offer.encryption == null) sizeBytes else sizeBytes + offer.sizeBytes, "the bundle")
}

/** Encryption §5: what is at hand when the digest of what came was verified. */
private fun openBundle(offer: Offer, judgement: Judgement, context: FlowContext): VerifiedDownload {
  val encryption = offer.encryption ?: return VerifiedDownload(PENDING_ZIP, offer.sizeBytes)
  return context.decrypter.open(
    VerifiedDownload(PENDING_ZIP, encryption.sizeBytes),
    to = PENDING_OPENED,
    expected = ExpectedInside(EncryptedPurpose.ARCHIVE, judgement.tree, offer.sha256, offer.sizeBytes),
    keys = context.decryptionKeys(),
    ports = context.ports,
  )
}

private fun installAndStage(offer: Offer, judgement: Judgement, receivedBytes: Long, context: FlowContext) {
  val release = releaseOf(offer, judgement.sequence)
  val download = openBundle(offer, judgement, context)
  context.installer.install(
    Installation(context.ports, context.limits, download, release) { makeWay(context.store) },
  )
  stageInstalled(offer, judgement, InstalledOffer(release, receivedBytes, DownloadArrival.WHOLE), context)
}
