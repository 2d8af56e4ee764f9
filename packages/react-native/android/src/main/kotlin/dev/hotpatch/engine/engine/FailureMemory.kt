package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.EMBEDDED_VERSION
import dev.hotpatch.engine.ground.NewReport
import dev.hotpatch.engine.ground.ReportKind
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.patch.PatchFault
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.server.OfferedPatch
import dev.hotpatch.engine.server.Outbox
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.RememberedRelease
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.StoredState
import dev.hotpatch.engine.state.isRemembered
import dev.hotpatch.protocol.SdkCode

/** What went wrong here: written down with its report, so that it is neither tried nor told again. */
class FailureMemory(
  private val store: StateStore,
  private val outbox: Outbox,
  private val running: InstalledRelease?,
) {
  // What is tried again in this process is told once in it.
  private val told = HashSet<String>()

  /** Of a check or a download; no offer, no blame. Never throws. */
  fun remember(error: UpdateError, offer: Offer?) {
    val code = error.code
    val state = store.current()
    val release = offer?.let { releaseOf(it, 0) }
    val isKnown = release != null &&
      (isRemembered(state.failed, release, 0) || isRemembered(state.refused, release, 0, code))
    // Being offline is no news of a release; the rest is told once, not at every start.
    if (code == SdkCode.CHECK_FAILED || isKnown || !told.add("${offer?.releaseId}:${code.text}")) return
    val report = NewReport(
      kind = if (code in DOWNLOAD_CODES) ReportKind.DOWNLOAD_FAILED else ReportKind.FAILED,
      releaseId = offer?.releaseId,
      version = offer?.version ?: running?.version ?: EMBEDDED_VERSION,
      code = code,
      detail = error.message,
    )
    val entry = release?.takeIf { !error.isRetryable }
      ?.let { RememberedRelease(it.releaseId, it.sequence, it.sha256, code) }
    write(report, isNew = true) { stored ->
      when {
        entry == null -> stored
        code.blamesRelease -> stored.copy(failed = stored.failed + entry)
        else -> stored.copy(refused = stored.refused + entry)
      }
    }
  }

  /** The release is not blamed: its bundle follows. Never throws. */
  fun rememberPatch(fault: PatchFault, offer: Offer, patch: OfferedPatch) {
    val tried = (patch as? PatchOffer)?.takeIf { fault.isFinal }?.let(::pairOf)
    val key = "${offer.releaseId}:patch-failed"
    val isTold = fault.isOfDisk || key in told
    if (isTold && tried == null) return
    told.add(key)
    val report = NewReport(
      kind = ReportKind.DOWNLOAD_FAILED,
      releaseId = offer.releaseId,
      version = offer.version,
      code = SdkCode.PATCH_FAILED,
      detail = "${fault.reason}: ${messageOf(fault.error)}",
    )
    write(report, isNew = !isTold) { it.copy(failedPatches = it.failedPatches + listOfNotNull(tried)) }
  }

  /** The offer's patch, unless it failed on this device before. */
  fun untriedPatch(offer: Offer): OfferedPatch? {
    val patch = offer.patch as? PatchOffer ?: return offer.patch
    return patch.takeUnless { pairOf(it) in store.current().failedPatches }
  }

  private fun write(report: NewReport, isNew: Boolean, change: (StoredState) -> StoredState) {
    try {
      store.commit(if (isNew) listOf(report) else emptyList(), change)
    } catch (_: Exception) {
      if (isNew) outbox.keepInMemory(store.newReport(report))
    }
  }
}

/** The network's or the server's doing: such a failure says nothing of the release. */
private val DOWNLOAD_CODES = setOf(
  SdkCode.DOWNLOAD_FAILED,
  SdkCode.DOWNLOAD_TIMEOUT,
  SdkCode.DOWNLOAD_TOO_LARGE,
  SdkCode.DOWNLOAD_TRUNCATED,
)
