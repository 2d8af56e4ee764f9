package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.SdkCode

/** What a device may report. */
enum class ReportKind(val text: String) {
  DOWNLOAD_STARTED("download-started"),
  DOWNLOADED("downloaded"),
  DOWNLOAD_FAILED("download-failed"),
  APPLIED("applied"),
  CONFIRMED("confirmed"),
  FAILED("failed"),
  ROLLED_BACK("rolled-back"),
  CRASHED("crashed"),
}

/** How a release came over the network: as its own bytes, as a patch of what the device had, or as a patch of nothing. */
enum class DownloadArrival(val text: String) { WHOLE("whole"), PATCH("patch"), PACKED("packed") }

/** Engine §7: what is told to the server about a release. The same `eventId` is told again until it is accepted. */
data class Report(
  val eventId: String,
  val kind: ReportKind,
  /** Null when it is about embedded, or about an answer that named no release. */
  val releaseId: String?,
  /** EMBEDDED_VERSION when it is about embedded: the binary's own version could be that of a release. */
  val version: String,
  val code: SdkCode? = null,
  val detail: String? = null,
  /** What came over the network for a downloaded release. */
  val receivedBytes: Long? = null,
  /** How it came. */
  val arrival: DownloadArrival? = null,
  val binary: Binary,
  val occurredAt: String,
)

/** What statements call it as well. */
const val EMBEDDED_VERSION = "embedded"

/** A report before it has an id, a binary and a time. */
data class NewReport(
  val kind: ReportKind,
  val releaseId: String?,
  val version: String,
  val code: SdkCode? = null,
  val detail: String? = null,
  val receivedBytes: Long? = null,
  val arrival: DownloadArrival? = null,
)

private const val MAX_DETAIL = 200

/** Not within a character of two units: half of one cannot be sent. */
fun shortDetail(text: String): String {
  if (text.length <= MAX_DETAIL) return text
  val cut = text.take(MAX_DETAIL - 1)
  return (if (cut.last().isHighSurrogate()) cut.dropLast(1) else cut) + "…"
}
