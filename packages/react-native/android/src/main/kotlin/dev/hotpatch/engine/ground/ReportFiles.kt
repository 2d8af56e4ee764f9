package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readInteger
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

private const val MANY = 10_000

/**
 * From the engine's own files. A report that cannot be read is left out: it is no reason to lose what is stored beside
 * it, and another version of the engine may have written it.
 * @throws UnexpectedJsonException when it is no list
 */
fun readReports(value: JsonValue?, pointer: String): List<Report> = readArray(value, pointer, MANY).mapNotNull { item ->
  try {
    readReport(item)
  } catch (_: UnexpectedJsonException) {
    null
  }
}

/** @throws UnexpectedJsonException */
private fun readReport(value: JsonValue?): Report {
  val json = readObject(value, "/report")
  return Report(
    eventId = readString(json["eventId"], "/eventId"),
    kind = readOneOf(json["kind"], "/kind", ReportKind.entries) { it.text },
    releaseId = if (json["releaseId"] == JsonNull) null else readString(json["releaseId"], "/releaseId"),
    version = readString(json["version"], "/version"),
    code = textOrNull(json["code"])?.let(SdkCode::of),
    detail = textOrNull(json["detail"]),
    receivedBytes = json["receivedBytes"]?.let { readInteger(it, "/receivedBytes", 0) },
    arrival = json["arrival"]?.let { found -> readOneOf(found, "/arrival", DownloadArrival.entries) { it.text } },
    binary = Binary(
      nativeVersion = readString(json["nativeVersion"], "/nativeVersion"),
      nativeBuild = textOrNull(json["nativeBuild"]),
      runtimeVersion = textOrNull(json["runtimeVersion"]),
    ),
    occurredAt = readString(json["occurredAt"], "/occurredAt"),
  )
}

fun writeReports(reports: List<Report>): JsonArray = JsonArray(reports.map(::writeReport))

private fun writeReport(report: Report): JsonObject = jsonOf(
  "eventId" to report.eventId,
  "kind" to report.kind.text,
  "releaseId" to report.releaseId.orJsonNull(),
  "version" to report.version,
  "code" to report.code?.text,
  "detail" to report.detail,
  "receivedBytes" to report.receivedBytes,
  "arrival" to report.arrival?.text,
  "nativeVersion" to report.binary.nativeVersion,
  "nativeBuild" to report.binary.nativeBuild,
  "runtimeVersion" to report.binary.runtimeVersion,
  "occurredAt" to report.occurredAt,
)
