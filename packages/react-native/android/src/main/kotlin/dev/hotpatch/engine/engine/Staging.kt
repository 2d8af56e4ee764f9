package dev.hotpatch.engine.engine

import dev.hotpatch.engine.download.Judgement
import dev.hotpatch.engine.ground.DownloadArrival
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.NewReport
import dev.hotpatch.engine.ground.ReportKind
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.Source
import dev.hotpatch.engine.state.StateStore

/** A release that was made in ota/pending/files, and how it came. */
internal class InstalledOffer(val release: InstalledRelease, val receivedBytes: Long, val arrival: DownloadArrival)

/** Engine §4: only now, with the whole bundle verified, does the floor rise, and with it, for what is proven, the mark. */
internal fun stage(staged: Source, judgement: Judgement, reports: List<NewReport>, store: StateStore) {
  // A new release has yet to confirm itself: were it to fail, what the device could take before must still be open.
  val proven = if (staged is Source.Pending) 0 else judgement.sequence
  store.commit(reports) {
    it.copy(
      staged = staged,
      fetching = null,
      highWater = maxOf(it.highWater, proven),
      floor = maxOf(it.floor, judgement.floor),
    )
  }
}

internal fun stageInstalled(offer: Offer, judgement: Judgement, installed: InstalledOffer, context: FlowContext) {
  val (receivedBytes, arrival) = installed.receivedBytes to installed.arrival
  val report = NewReport(
    ReportKind.DOWNLOADED,
    offer.releaseId,
    offer.version,
    receivedBytes = receivedBytes,
    arrival = arrival,
  )
  stage(Source.Pending(installed.release), judgement, listOf(report), context.store)
  context.emit(EngineEvent.Downloaded(arrival, receivedBytes, offer.sizeBytes, offer.releaseId))
}

/** The directory of what is staged is about to be emptied. */
internal fun makeWay(store: StateStore) {
  if (store.current().staged != null) store.commit { it.copy(staged = null) }
}
