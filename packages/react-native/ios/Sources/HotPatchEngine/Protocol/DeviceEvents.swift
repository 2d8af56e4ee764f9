/// How a release came over the network: as the bytes that its statement names, as a patch of what the device had, or
/// packed, as a patch of nothing.
public enum DownloadArrival: String, CaseIterable, Sendable {
  case whole, patch, packed
}

/// What a device may report.
public enum ReportedEventKind: String, CaseIterable, Sendable {
  case downloadStarted = "download-started"
  case downloaded
  case downloadFailed = "download-failed"
  case applied
  case confirmed
  case failed
  case rolledBack = "rolled-back"
  case crashed
}
