package dev.hotpatch.engine.scenarios

import dev.hotpatch.engine.engine.EngineStatus
import dev.hotpatch.engine.engine.NamedRelease
import dev.hotpatch.engine.engine.UpdateOutcome
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.recovery.Launch
import dev.hotpatch.protocol.JsonObject

/* As vectors/README.md writes them. */

fun describeLaunch(launch: Launch): JsonObject = when (launch) {
  is Launch.Embedded -> jsonOf("kind" to "embedded")
  is Launch.Release -> jsonOf(
    "kind" to "release",
    "slot" to launch.directory.removePrefix("/memory/ota/"),
    "releaseId" to launch.releaseId,
    "version" to launch.version,
  )
}

fun describeStatus(status: EngineStatus): JsonObject = jsonOf(
  "running" to describeLaunch(status.running),
  "standing" to status.standing?.text.orJsonNull(),
  "staged" to status.staged?.let(::describeNamed).orJsonNull(),
  "previous" to status.previous?.let(::describeNamed).orJsonNull(),
  "highWater" to status.highWater,
  "floor" to status.floor,
  "failedReleaseIds" to status.failedReleaseIds,
)

private fun describeNamed(named: NamedRelease) =
  jsonOf("releaseId" to named.releaseId.orJsonNull(), "version" to named.version)

fun describeOutcome(outcome: UpdateOutcome): JsonObject = when (outcome) {
  is UpdateOutcome.UpToDate -> jsonOf(
    "kind" to "up-to-date",
    "reason" to outcome.reason,
    "nativeUpdate" to outcome.nativeUpdate
      ?.let { jsonOf("minNativeVersion" to it.minNativeVersion, "releaseId" to it.releaseId) }.orJsonNull(),
  )
  is UpdateOutcome.Available -> jsonOf(
    "kind" to "available",
    "releaseId" to outcome.releaseId,
    "version" to outcome.version,
    "mandatory" to outcome.mandatory,
    "sizeBytes" to outcome.sizeBytes,
    "expectedBytes" to outcome.expectedBytes.orJsonNull(),
    "notes" to outcome.notes.orJsonNull(),
  )
  is UpdateOutcome.AvailableEmbedded ->
    jsonOf("kind" to "available-embedded", "mandatory" to outcome.mandatory, "reason" to outcome.reason)
  is UpdateOutcome.Staged -> jsonOf(
    "kind" to "staged",
    "releaseId" to outcome.releaseId.orJsonNull(),
    "version" to outcome.version,
    "mandatory" to outcome.mandatory,
  )
  is UpdateOutcome.Failed ->
    jsonOf("kind" to "failed", "code" to outcome.code.text, "releaseId" to outcome.releaseId.orJsonNull())
}
