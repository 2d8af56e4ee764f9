import Foundation

/// ota/metadata.json in memory and on disk. What `current` says is durable.
final class StateStore {
  private let ports: Ports
  private let limits: Limits
  /// One change after the other; held while files are written.
  private let changing = NSLock()
  /// Held for no longer than a look: `current` is asked while something is written, also by a thread that crashes.
  private let looking = NSLock()
  private var state: StoredState
  private var hasRoot = false
  private var isOver = false

  init(_ ports: Ports, _ limits: Limits) throws {
    self.ports = ports
    self.limits = limits
    let stored = try readJsonFile(ports.files, StorageLayout.metadata, readStoredState)
    let isDamaged = try stored == nil && ports.files.stat(StorageLayout.metadata) != nil
    state = try stored ?? (isDamaged ? recoveredState(ports) : StoredState(binary: binaryOf(ports.host)))
    // A full disk may refuse it: then the next start finds the same.
    if isDamaged { try? commit { _ in } }
  }

  var current: StoredState {
    looking.lock()
    defer { looking.unlock() }
    return state
  }

  /// Engine §6: the change and its reports become durable together, or not at all.
  func commit(reports: [NewReport] = [], _ change: (inout StoredState) throws -> Void) throws {
    changing.lock()
    defer { changing.unlock() }
    if isOver { throw EngineUseError(description: "another start has taken over") }
    var next = current
    try change(&next)
    next.failed = next.failed.suffix(limits.rememberedReleases)
    next.refused = next.refused.suffix(limits.rememberedReleases)
    next.failedPatches = next.failedPatches.suffix(limits.rememberedReleases)
    next.unreported = (next.unreported + reports.map(newReport)).suffix(limits.reports)
    try makeRoot()
    try writeJsonFile(ports.files, StorageLayout.metadata, writeStoredState(next))
    looking.lock()
    state = next
    looking.unlock()
  }

  /// Nothing is written from now on.
  func end() {
    changing.lock()
    isOver = true
    changing.unlock()
  }

  func newReport(_ report: NewReport) -> Report {
    let host = ports.host
    return Report(
      eventId: ports.crypto.randomUuid(), kind: report.kind, releaseId: report.releaseId, version: report.version,
      code: report.code, detail: report.detail.map(shortDetail), receivedBytes: report.receivedBytes,
      arrival: report.arrival, nativeVersion: host.nativeVersion, nativeBuild: host.nativeBuild,
      runtimeVersion: host.runtimeVersion, occurredAt: timestamp(ports.clock.now()))
  }

  private func makeRoot() throws {
    if hasRoot { return }
    try ports.files.makeDirectory(StorageLayout.root)
    try ports.files.syncDirectory("")
    hasRoot = true
  }
}

/// With unreadable metadata nothing stored is started, but a sequence that was once accepted still counts.
private func recoveredState(_ ports: Ports) throws -> StoredState {
  let found = try Slot.allCases.map { try inspectSlot(ports.files, ports.crypto, $0) }
  var state = StoredState(binary: binaryOf(ports.host))
  state.highWater = found.map { $0?.sequence ?? 0 }.max() ?? 0
  return state
}
