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
