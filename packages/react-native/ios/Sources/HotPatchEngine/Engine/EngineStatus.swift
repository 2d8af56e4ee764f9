public struct NamedRelease: Equatable {
  /// Nil is embedded.
  public var releaseId: String?
  public var version: String
}

public struct EngineStatus {
  public enum Standing: String, Sendable { case probation, confirmed }

  public var running: Launch
  /// Of what runs; nil is embedded.
  public var standing: Standing?
  /// What the next start runs instead.
  public var staged: NamedRelease?
  public var previous: NamedRelease?
  public var highWater: Int
  public var floor: Int
  public var failedReleaseIds: [String]

  static let nothingKnown = EngineStatus(running: .embedded, highWater: 0, floor: 0, failedReleaseIds: [])
}

func statusOf(_ state: StoredState, launched: Launch, running: InstalledRelease?, host: HostPort) -> EngineStatus {
  let isRunning = isSameRelease(state.active?.release, running)
  return EngineStatus(
    running: launched,
    standing: isRunning ? state.active.map { $0.standing == .confirmed ? .confirmed : .probation } : nil,
    staged: state.staged.map { nameOf($0.release) ?? NamedRelease(releaseId: nil, version: host.nativeVersion) },
    previous: nameOf(state.previous),
    highWater: state.highWater, floor: state.floor,
    failedReleaseIds: state.failed.map(\.releaseId))
}

private func nameOf(_ release: InstalledRelease?) -> NamedRelease? {
  release.map { NamedRelease(releaseId: $0.releaseId, version: $0.version) }
}
