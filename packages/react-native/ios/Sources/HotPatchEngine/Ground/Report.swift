/// Engine §7: what is told to the server about a release. The same `eventId` is told again until it is accepted.
public struct Report {
  public var eventId: String
  public var kind: ReportedEventKind
  /// Nil when it is about embedded, or about an answer that named no release.
  public var releaseId: String?
  /// `embeddedVersion` when it is about embedded: the binary's own version could be that of a release.
  public var version: String
  public var code: SdkCode?
  public var detail: String?
  /// What came over the network for a downloaded release.
  public var receivedBytes: Int?
  /// How it came.
  public var arrival: DownloadArrival?
  public var nativeVersion: String
  public var nativeBuild: String?
  public var runtimeVersion: String?
  public var occurredAt: String
}

/// What statements call it as well.
let embeddedVersion = "embedded"

/// Before it has an id, a time and the binary that it is of.
struct NewReport {
  var kind: ReportedEventKind
  var releaseId: String?
  var version: String
  var code: SdkCode?
  var detail: String?
  var receivedBytes: Int?
  var arrival: DownloadArrival?
}

private let maxDetail = 200

/// By UTF-16, as every engine counts. A character of two units is not cut in half.
func shortDetail(_ text: String) -> String {
  let units = text.utf16
  if units.count <= maxDetail { return text }
  var end = units.index(units.startIndex, offsetBy: maxDetail - 1)
  if UTF16.isTrailSurrogate(units[end]) { end = units.index(before: end) }
  return String(text[..<end]) + "…"
}

private let many = 10_000

/// From the engine's own files. A report that cannot be read is left out: it is no reason to lose what is stored beside
/// it, and another version of the engine may have written it. Throws UnexpectedJsonError when it is no list.
func readReports(_ value: JsonValue?, _ pointer: String) throws -> [Report] {
  try readArray(value, pointer, maxLength: many).compactMap { item in
    do {
      return try readReport(item)
    } catch is UnexpectedJsonError {
      return nil
    }
  }
}

private func readReport(_ value: JsonValue) throws -> Report {
  let json = try readObject(value, "/report")
  var releaseId: String?
  if case .null? = json["releaseId"] { } else { releaseId = try readString(json["releaseId"], "/releaseId") }
  return Report(
    eventId: try readString(json["eventId"], "/eventId"),
    kind: try readOneOf(json["kind"], "/kind"),
    releaseId: releaseId,
    version: try readString(json["version"], "/version"),
    code: try? readOneOf(json["code"], "/code"),
    detail: try? readString(json["detail"], "/detail"),
    receivedBytes: try json["receivedBytes"].map { try readInteger($0, "/receivedBytes", minimum: 0) },
    arrival: try json["arrival"].map { try readOneOf($0, "/arrival") },
    nativeVersion: try readString(json["nativeVersion"], "/nativeVersion"),
    nativeBuild: try? readString(json["nativeBuild"], "/nativeBuild"),
    runtimeVersion: try? readString(json["runtimeVersion"], "/runtimeVersion"),
    occurredAt: try readString(json["occurredAt"], "/occurredAt"))
}

func writeReports(_ reports: [Report]) -> JsonValue {
  .array(reports.map(writeReport))
}

private func writeReport(_ report: Report) -> JsonValue {
  jsonObject([
    ("eventId", .string(report.eventId)),
    ("kind", .string(report.kind.rawValue)),
    ("releaseId", jsonOrNull(report.releaseId)),
    ("version", .string(report.version)),
    ("code", jsonText(report.code?.rawValue)),
    ("detail", jsonText(report.detail)),
    ("receivedBytes", jsonNumber(report.receivedBytes)),
    ("arrival", jsonText(report.arrival?.rawValue)),
    ("nativeVersion", .string(report.nativeVersion)),
    ("nativeBuild", jsonText(report.nativeBuild)),
    ("runtimeVersion", jsonText(report.runtimeVersion)),
    ("occurredAt", .string(report.occurredAt)),
  ])
}
