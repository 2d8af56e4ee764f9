package dev.hotpatch.engine.engine

import dev.hotpatch.engine.download.DownloadContext
import dev.hotpatch.engine.download.Place
import dev.hotpatch.engine.download.Wanted
import dev.hotpatch.engine.download.discardDownload
import dev.hotpatch.engine.download.download
import dev.hotpatch.engine.download.verifyDownload
import dev.hotpatch.engine.ground.UpdateEvent

/** How many bytes that took. What was gone on with wrongly comes once more, from its start. */
internal fun fetchVerified(
  wanted: Wanted,
  place: Place,
  releaseId: String,
  context: FlowContext,
  isOptional: Boolean = false,
  onProgress: (receivedBytes: Long) -> Unit,
): Long {
  val ports = context.ports
  val how = DownloadContext(ports, context.limits, context.settings.allowInsecure, isOptional, onProgress)
  val downloaded = download(wanted, place, how)
  context.way.advance(UpdateEvent.DOWNLOADED, releaseId)
  try {
    verifyDownload(wanted, place, ports)
    return downloaded.receivedBytes
  } catch (error: Exception) {
    discardDownload(place, ports)
    if (!downloaded.isResumed) throw error
    context.way.advance(UpdateEvent.RESUMED_WRONGLY, releaseId)
    return downloaded.receivedBytes + fetchVerified(wanted, place, releaseId, context, isOptional, onProgress)
  }
}
