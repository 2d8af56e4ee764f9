package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.EMBEDDED_VERSION
import dev.hotpatch.engine.ground.Report
import dev.hotpatch.engine.ground.SmallAnswer
import dev.hotpatch.engine.ground.isFinalStatus
import dev.hotpatch.engine.ground.jsonFromUtf8
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.textOrNull
import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.writeJson

/** What became of reports that were sent. */
sealed interface Delivery {
  class Settled(val eventIds: List<String>, val dropped: List<Dropped>) : Delivery

  /** They wait: no network, no room, or not before a certain time. */
  data object Later : Delivery

  /** The server refuses the request as a whole: one of the reports may be the reason. */
  class Refused(val reason: String) : Delivery
}

class Dropped(val eventId: String, val reason: String)

internal fun readDelivery(answer: SmallAnswer, reports: List<Report>): Delivery {
  val status = answer.status
  if (status in 200..299) return Delivery.Settled(reports.map { it.eventId }, readRejected(answer.body))
  // The key may be mended on the server.
  if (!isFinalStatus(status) || status == 401) return Delivery.Later
  return Delivery.Refused(describeProblem(status, jsonFromUtf8(answer.body)))
}

internal fun eventOf(report: Report): JsonObject {
  // A failure without a release is not one of the release that runs.
  val isNamed = report.releaseId != null || report.version == EMBEDDED_VERSION
  return jsonOf(
    "id" to report.eventId,
    "kind" to report.kind.text,
    "releaseId" to report.releaseId,
    "version" to report.version.takeIf { isNamed },
    "code" to report.code?.text,
    "detail" to report.detail,
    "receivedBytes" to report.receivedBytes,
    "arrival" to report.arrival?.text,
    "occurredAt" to report.occurredAt,
  )
}

internal fun describeProblem(status: Int, json: JsonValue?): String {
  val detail = (json as? JsonObject)?.get("detail")
  return "the server answered $status" + if (detail == null) "" else ": ${textOf(detail)}"
}

/** An answer that says nothing readable about single reports accepted them all. */
private fun readRejected(body: ByteArray): List<Dropped> {
  val rejected = (jsonFromUtf8(body) as? JsonObject)?.get("rejected") as? JsonArray ?: return emptyList()
  return rejected.items.mapNotNull { entry ->
    val json = entry as? JsonObject
    val eventId = textOrNull(json?.get("id")) ?: return@mapNotNull null
    Dropped(eventId, "${textOf(json?.get("type"))}: ${textOf(json?.get("detail"))}")
  }
}

/** For people. */
private fun textOf(value: JsonValue?): String = when (value) {
  null -> "undefined"
  is JsonString -> value.value
  is JsonNull -> "null"
  else -> writeJson(value)
}
