package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.SdkCode

/** What an engine tells those who subscribe to it. */
sealed interface EngineEvent {
  data class State(val state: UpdateState, val releaseId: String?) : EngineEvent

  data class Progress(val receivedBytes: Long, val sizeBytes: Long, val releaseId: String) : EngineEvent

  data class Failed(val code: SdkCode, val error: UpdateError, val releaseId: String?) : EngineEvent

  /** What an edge said was not believed, or it was not reached: the server is asked. */
  data class EdgeRefused(val code: SdkCode, val error: UpdateError) : EngineEvent

  /** A release is whole on this device; `sizeBytes` is what its own bytes are, however it came. */
  data class Downloaded(
    val arrival: DownloadArrival,
    val receivedBytes: Long,
    val sizeBytes: Long,
    val releaseId: String,
  ) : EngineEvent

  /** A patch is not taken: the whole bundle is. `reason` is the patch's own code (Patches §7), or the download's. */
  data class PatchFailed(val reason: String, val error: Throwable, val releaseId: String) : EngineEvent

  /** The server will never take it: it is not told again. */
  data class ReportDropped(val report: Report, val reason: String) : EngineEvent
}
