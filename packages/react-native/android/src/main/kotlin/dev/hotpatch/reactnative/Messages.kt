package dev.hotpatch.reactnative

import dev.hotpatch.engine.engine.EngineStatus
import dev.hotpatch.engine.engine.NamedRelease
import dev.hotpatch.engine.engine.UpdateOutcome
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.Report
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.recovery.Launch
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.writeJson

// What crosses to JavaScript, as src/native/messages.ts has it. All fields are there, also those that are null.

/** What a status says besides the engine's. */
internal class StatusFacts(
  val host: HostPort,
  val channel: String,
  val deviceId: String,
  val isConfigured: Boolean,
  val problem: UpdateError?,
)

internal fun statusText(status: EngineStatus, facts: StatusFacts): String {
  val host = facts.host
  val running = when (val launched = status.running) {
    is Launch.Embedded -> NamedRelease(null, host.nativeVersion)
    is Launch.Release -> NamedRelease(launched.releaseId, launched.version)
  }
  val told = jsonOf(
    "running" to nameOf(running).orJsonNull(),
    "standing" to status.standing?.text.orJsonNull(),
    "staged" to nameOf(status.staged).orJsonNull(),
    "previous" to nameOf(status.previous).orJsonNull(),
    "highWater" to status.highWater,
    "floor" to status.floor,
    "failedReleaseIds" to status.failedReleaseIds,
    "channel" to facts.channel,
    "deviceId" to facts.deviceId,
    "nativeVersion" to host.nativeVersion,
    "nativeBuild" to host.nativeBuild.orJsonNull(),
    "runtimeVersion" to host.runtimeVersion.orJsonNull(),
    "isConfigured" to facts.isConfigured,
    "problem" to facts.problem?.let { jsonOf(*failure(it)) }.orJsonNull(),
  )
  return writeJson(told)
}

internal fun outcomeText(outcome: UpdateOutcome): String = writeJson(outcomeJson(outcome))

private fun outcomeJson(outcome: UpdateOutcome): JsonObject = when (outcome) {
  is UpdateOutcome.UpToDate -> {
    val native = outcome.nativeUpdate
    val update = native?.let { jsonOf("minNativeVersion" to it.minNativeVersion, "releaseId" to it.releaseId) }
    jsonOf("kind" to "up-to-date", "reason" to outcome.reason, "nativeUpdate" to update.orJsonNull())
  }
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
    jsonOf("kind" to "failed", "releaseId" to outcome.releaseId.orJsonNull(), *failure(outcome.error))
}

internal fun eventText(event: EngineEvent): String = writeJson(eventJson(event))

private fun eventJson(event: EngineEvent): JsonObject = when (event) {
  is EngineEvent.State ->
    jsonOf("type" to "state", "state" to event.state.text, "releaseId" to event.releaseId.orJsonNull())
  is EngineEvent.Progress -> jsonOf(
    "type" to "progress",
    "receivedBytes" to event.receivedBytes,
    "sizeBytes" to event.sizeBytes,
    "releaseId" to event.releaseId,
  )
  is EngineEvent.Failed ->
    jsonOf("type" to "failed", "releaseId" to event.releaseId.orJsonNull(), *failure(event.error))
  is EngineEvent.EdgeRefused -> jsonOf("type" to "edge-refused", *failure(event.error))
  is EngineEvent.Downloaded -> jsonOf(
    "type" to "downloaded",
    "arrival" to event.arrival.text,
    "receivedBytes" to event.receivedBytes,
    "sizeBytes" to event.sizeBytes,
    "releaseId" to event.releaseId,
  )
  is EngineEvent.PatchFailed -> jsonOf(
    "type" to "patch-failed",
    "reason" to event.reason,
    "message" to messageOf(event.error),
    "releaseId" to event.releaseId,
  )
  is EngineEvent.ReportDropped ->
    jsonOf("type" to "report-dropped", "report" to reportJson(event.report), "reason" to event.reason)
}

private fun reportJson(report: Report): JsonObject = jsonOf(
  "eventId" to report.eventId,
  "kind" to report.kind.text,
  "releaseId" to report.releaseId.orJsonNull(),
  "version" to report.version,
  "code" to report.code?.text,
)

private fun failure(error: UpdateError): Array<Pair<String, Any?>> = arrayOf(
  "code" to error.code.text,
  "message" to error.message,
  "isRetryable" to error.isRetryable,
  "status" to error.status.orJsonNull(),
  "retryAfterMs" to error.retryAfterMs.orJsonNull(),
)

private fun nameOf(release: NamedRelease?): JsonObject? =
  release?.let { jsonOf("releaseId" to it.releaseId.orJsonNull(), "version" to it.version) }
