package dev.hotpatch.engine.engine

import dev.hotpatch.engine.download.Judgement
import dev.hotpatch.engine.download.judgeEmbeddedOrder
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.NewReport
import dev.hotpatch.engine.ground.ReportKind
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.UpdateEvent
import dev.hotpatch.engine.ground.UpdateState
import dev.hotpatch.engine.ground.asUpdateError
import dev.hotpatch.engine.ground.isAllowedAddress
import dev.hotpatch.engine.server.CheckAnswer
import dev.hotpatch.engine.server.CheckRequest
import dev.hotpatch.engine.server.EmbeddedOrder
import dev.hotpatch.engine.server.NativeUpdate
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.engine.state.Fetching
import dev.hotpatch.engine.state.LEFT_OVER
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.Source
import dev.hotpatch.engine.state.isSameRelease
import dev.hotpatch.protocol.SdkCode

/** What the last check found, judged: the judgement is not repeated, so it lives no longer than the process. */
private sealed interface Offered {
  class Release(val offer: Offer, val judged: JudgedOffer) : Offered

  class Embedded(val order: EmbeddedOrder, val judgement: Judgement) : Offered
}

/**
 * Engine §2, upper half of the table: from a question to a staged update. Neither function throws, and only one of them
 * runs at a time.
 */
class UpdateFlow(private val context: FlowContext) {
  private val ports = context.ports
  private val store = context.store
  private val way = context.way
  private val running = context.running
  private var offered: Offered? = null

  fun state(): UpdateState = way.state

  fun check(): UpdateOutcome {
    offered = null
    way.beginCheck()
    var answer: CheckAnswer? = null
    return try {
      answer = context.source.check(checkRequest(), running?.sequence, ::noteRefusal)
      takeAnswer(answer)
    } catch (error: Throwable) {
      fail(error, (answer as? CheckAnswer.Offered)?.offer)
    }
  }

  /** The server has the last word, and hears of it. */
  private fun noteRefusal(error: UpdateError) {
    context.emit(EngineEvent.EdgeRefused(error.code, error))
    context.failures.remember(error, null)
  }

  private fun checkRequest() = CheckRequest(
    version = running?.version ?: ports.host.nativeVersion,
    releaseId = running?.releaseId,
    trust = context.tellTrust(),
    failedReleaseIds = store.current().failed.map { it.releaseId },
    embeddedUpdateId = if (running == null) findEmbedded() else null,
    patches = context.patcher.formats(ports),
  )

  /** A binary that cannot be read is no reason not to ask. */
  private fun findEmbedded(): String? =
    runCatching { context.patcher.findEmbedded(ports, context.limits)?.tree }.getOrNull()

  private fun takeAnswer(answer: CheckAnswer): UpdateOutcome = when (answer) {
    is CheckAnswer.Nothing -> nothingOffered(answer.reason, answer.nativeUpdate)
    is CheckAnswer.Embedded -> takeOrder(answer.order)
    is CheckAnswer.Offered ->
      if (running?.releaseId == answer.offer.releaseId) nothingOffered("runs-the-target") else takeOffer(answer.offer)
  }

  private fun takeOrder(order: EmbeddedOrder): UpdateOutcome {
    if (running == null) return nothingOffered(order.reason)
    offered = Offered.Embedded(order, judgeEmbeddedOrder(order, judgementContext(context)))
    way.advance(UpdateEvent.OFFERED)
    return UpdateOutcome.AvailableEmbedded(order.mandatory, order.reason)
  }

  private fun takeOffer(offer: Offer): UpdateOutcome {
    val judged = judgeOnDevice(offer, context)
    offered = Offered.Release(offer, judged)
    way.advance(UpdateEvent.OFFERED, offer.releaseId)
    val patch = context.failures.untriedPatch(offer) as? PatchOffer
    val isPatched = patch != null && patch.tree == judged.judgement.tree
    return UpdateOutcome.Available(
      releaseId = offer.releaseId,
      version = offer.version,
      mandatory = offer.mandatory,
      sizeBytes = offer.sizeBytes,
      expectedBytes = if (isPatched) patch.sizeBytes else offer.encryption?.sizeBytes,
      notes = offer.notes,
    )
  }

  private fun nothingOffered(reason: String, nativeUpdate: NativeUpdate? = null): UpdateOutcome {
    if (store.current().staged != null) store.commit { it.copy(staged = null) }
    way.advance(UpdateEvent.NOTHING_OFFERED)
    return UpdateOutcome.UpToDate(reason, nativeUpdate)
  }

  fun download(): UpdateOutcome {
    if (offered == null) {
      val outcome = check()
      if (offered == null) return outcome
    }
    val target = checkNotNull(offered)
    offered = null
    val offer = (target as? Offered.Release)?.offer
    return try {
      when (target) {
        is Offered.Embedded -> takeEmbedded(target)
        is Offered.Release -> takeRelease(target.offer, target.judged)
      }
    } catch (error: Throwable) {
      runCatching { clearPending(asUpdateError(error)) } // Tidying; the next download does it again.
      fail(error, offer)
    }
  }

  private fun takeEmbedded(target: Offered.Embedded): UpdateOutcome {
    stage(Source.Embedded, target.judgement, emptyList(), store)
    way.advance(UpdateEvent.AT_HAND)
    return UpdateOutcome.Staged(null, ports.host.nativeVersion, target.order.mandatory)
  }

  private fun takeRelease(offer: Offer, judged: JudgedOffer): UpdateOutcome {
    val releaseId = offer.releaseId
    if (judged.source != null) {
      stage(judged.source, judged.judgement, emptyList(), store)
      way.advance(UpdateEvent.AT_HAND, releaseId)
    } else {
      way.advance(UpdateEvent.DOWNLOAD, releaseId)
      noteBeginning(offer)
      val patched = takePatch(offer, judged.judgement, context)
      if (!patched.isStaged) takeBundle(offer, judged.judgement, patched.receivedBytes, context)
      way.advance(UpdateEvent.VERIFIED, releaseId)
      runCatching { removeLeftOver() } // It is staged; what is left over is removed next time.
    }
    return UpdateOutcome.Staged(releaseId, offer.version, offer.mandatory)
  }

  private fun noteBeginning(offer: Offer) {
    val fetching = Fetching(offer.releaseId, offer.sha256)
    val isAllowed = isAllowedAddress(offer.bundleUrl, context.settings.allowInsecure)
    if (!isAllowed || isSameRelease(store.current().fetching, fetching)) return
    val report = NewReport(ReportKind.DOWNLOAD_STARTED, offer.releaseId, offer.version)
    store.commit(listOf(report)) { it.copy(fetching = fetching) }
  }

  /** What could be resumed is kept, except on a full disk: the app needs the room more. */
  private fun clearPending(error: UpdateError) {
    if (error.code in KEPT) return
    removeLeftOver()
    if (store.current().staged !is Source.Pending) ports.files.remove(Slot.PENDING_FILES.path)
  }

  private fun removeLeftOver() = LEFT_OVER.forEach(ports.files::remove)

  /** Engine §7: whatever is refused is reported, and what runs goes on. */
  private fun fail(cause: Throwable, offer: Offer?): UpdateOutcome {
    val error = asUpdateError(cause)
    val releaseId = offer?.releaseId
    val isRefused = !error.isRetryable && way.state != UpdateState.OFFERED
    way.advance(if (isRefused) UpdateEvent.REFUSED else UpdateEvent.FAILED, releaseId)
    context.emit(EngineEvent.Failed(error.code, error, releaseId))
    context.failures.remember(error, offer)
    return UpdateOutcome.Failed(error, releaseId)
  }
}

/** What has arrived can be gone on with. */
private val KEPT = setOf(SdkCode.DOWNLOAD_FAILED, SdkCode.DOWNLOAD_TRUNCATED, SdkCode.DOWNLOAD_TIMEOUT)
