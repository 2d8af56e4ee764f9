public struct AvailableUpdate {
  public var releaseId: String
  public var version: String
  public var mandatory: Bool
  public var sizeBytes: Int
  /// What will come over the network, where that is known and not `sizeBytes`.
  public var expectedBytes: Int?
  public var notes: String?
}

public enum UpdateOutcome {
  case upToDate(reason: String, nativeUpdate: NativeUpdate?)
  case available(AvailableUpdate)
  case availableEmbedded(mandatory: Bool, reason: String)
  /// `releaseId` is nil when the next start runs what the binary shipped with.
  case staged(releaseId: String?, version: String, mandatory: Bool)
  case failed(UpdateError, releaseId: String?)
}
