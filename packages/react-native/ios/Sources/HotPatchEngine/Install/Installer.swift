/// Bytes that were downloaded whole, and whose digest is the announced one.
struct VerifiedDownload {
  var path: String
  var sizeBytes: Int
}

/// How a release's files come out of its download.
struct Installation {
  var ports: Ports
  var limits: Limits
  var download: VerifiedDownload
  var release: InstalledRelease
  /// What is staged is about to go: called before anything in ota/pending/files changes.
  var makeWay: () throws -> Void
}
