package dev.hotpatch.engine.engine

import dev.hotpatch.engine.decrypt.ExpectedInside
import dev.hotpatch.engine.download.BUNDLE
import dev.hotpatch.engine.download.Judgement
import dev.hotpatch.engine.download.PATCH
import dev.hotpatch.engine.download.Wanted
import dev.hotpatch.engine.download.discardDownload
import dev.hotpatch.engine.download.missingBytes
import dev.hotpatch.engine.ground.DownloadArrival
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.UpdateEvent
import dev.hotpatch.engine.ground.expectRoom
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.install.Installation
import dev.hotpatch.engine.install.VerifiedDownload
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.server.OfferedPatch
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.engine.state.PENDING
import dev.hotpatch.engine.state.PENDING_OPENED_PATCH
import dev.hotpatch.engine.state.PENDING_PATCH
import dev.hotpatch.engine.state.PENDING_TREE
import dev.hotpatch.protocol.EMPTY_TREE
import dev.hotpatch.protocol.EncryptedPurpose
import dev.hotpatch.protocol.SdkCode

internal class TakenPatch(val isStaged: Boolean, val receivedBytes: Long)

/** Engine §5: whatever is wrong with a patch, the whole bundle follows, and the release is not blamed. */
internal fun takePatch(offer: Offer, judgement: Judgement, context: FlowContext): TakenPatch {
  val patch = context.failures.untriedPatch(offer) ?: return TakenPatch(false, 0)
  var receivedBytes = 0L
  return try {
    val isStaged = tryPatch(offer, readable(patch), judgement, context) { receivedBytes = it }
    TakenPatch(isStaged, receivedBytes)
  } catch (error: Throwable) {
    giveUpPatch(error, offer, patch, context)
    TakenPatch(false, receivedBytes)
  }
}

private fun readable(patch: OfferedPatch): PatchOffer = when (patch) {
  is PatchOffer -> patch
  is OfferedPatch.Unreadable -> throw UpdateError(SdkCode.ANSWER_INVALID, messageOf(patch.error), patch.error)
}

/** False when there is a shorter way. */
private fun tryPatch(
  offer: Offer,
  patch: PatchOffer,
  judgement: Judgement,
  context: FlowContext,
  onReceived: (bytes: Long) -> Unit,
): Boolean {
  val ports = context.ports
  val base = context.patcher.findBase(patch, judgement.tree, offer.sizeBytes, ports, context.limits)
  // Of a bundle that is nearly there less is missing.
  if (missingBytes(bundleOf(offer), BUNDLE, ports) <= patch.sizeBytes) return false
  ports.files.makeDirectory(PENDING)
  expectRoom(ports.files, patch.sizeBytes, "the patch")
  val wanted = Wanted("the patch", patch.url, patch.sha256, patch.sizeBytes)
  val receivedBytes = fetchVerified(wanted, PATCH, offer.releaseId, context, isOptional = true) {
    onReceived(it)
    context.emit(EngineEvent.Progress(it, patch.sizeBytes, offer.releaseId))
  }
  onReceived(receivedBytes)
  val release = releaseOf(offer, judgement.sequence)
  val download = openPatch(offer, patch, context)
  val installation = Installation(ports, context.limits, download, release) { makeWay(context.store) }
  context.patcher.install(patch, base, installation)
  val arrival = if (patch.baseTree == EMPTY_TREE) DownloadArrival.PACKED else DownloadArrival.PATCH
  stageInstalled(offer, judgement, InstalledOffer(release, receivedBytes, arrival), context)
  return true
}

/** Encryption §5. */
private fun openPatch(offer: Offer, patch: PatchOffer, context: FlowContext): VerifiedDownload {
  val download = VerifiedDownload(PENDING_PATCH, patch.sizeBytes)
  if (offer.encryption == null) return download
  return context.decrypter.open(
    download,
    to = PENDING_OPENED_PATCH,
    expected = ExpectedInside(EncryptedPurpose.PATCH, patch.tree, baseTree = patch.baseTree),
    keys = context.decryptionKeys(),
    ports = context.ports,
  )
}

private fun giveUpPatch(cause: Throwable, offer: Offer, patch: OfferedPatch, context: FlowContext) {
  val files = context.ports.files
  val fault = context.patcher.judge(cause)
  context.way.advance(UpdateEvent.PATCH_FAILED, offer.releaseId)
  context.emit(EngineEvent.PatchFailed(fault.reason, fault.error, offer.releaseId))
  // What could be gone on with stays, should the bundle not come either.
  runCatching { files.remove(PENDING_TREE) }
  runCatching { files.remove(PENDING_OPENED_PATCH) }
  if (fault.isFinal || fault.isOfDisk) runCatching { discardDownload(PATCH, context.ports) }
  context.failures.rememberPatch(fault, offer, patch)
}
