package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.recovery.Launch
import dev.hotpatch.engine.state.Standing

class NamedRelease(val releaseId: String?, val version: String)

class EngineStatus(
  val running: Launch = Launch.Embedded,
  /** Of what runs; null is embedded. */
  val standing: Standing? = null,
  /** What the next start runs instead; `releaseId` null is embedded. */
  val staged: NamedRelease? = null,
  val previous: NamedRelease? = null,
  val highWater: Long = 0,
  val floor: Long = 0,
  val failedReleaseIds: List<String> = emptyList(),
  /** The folder could not be read: embedded runs, and nothing is updated until the next start. */
  val problem: UpdateError? = null,
)
