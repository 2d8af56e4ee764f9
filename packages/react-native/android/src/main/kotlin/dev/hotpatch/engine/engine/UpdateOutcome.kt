package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.server.NativeUpdate

/** What came of a check, a download or both. */
sealed interface UpdateOutcome {
  data class UpToDate(val reason: String, val nativeUpdate: NativeUpdate?) : UpdateOutcome

  data class Available(
    val releaseId: String,
    val version: String,
    val mandatory: Boolean,
    val sizeBytes: Long,
    /** What will come over the network, where that is known and not `sizeBytes`. */
    val expectedBytes: Long?,
    val notes: String?,
  ) : UpdateOutcome

  data class AvailableEmbedded(val mandatory: Boolean, val reason: String) : UpdateOutcome

  /** `releaseId` is null when the next start runs what the binary shipped with. */
  data class Staged(val releaseId: String?, val version: String, val mandatory: Boolean) : UpdateOutcome

  data class Failed(val error: UpdateError, val releaseId: String?) : UpdateOutcome {
    val code get() = error.code
  }
}
