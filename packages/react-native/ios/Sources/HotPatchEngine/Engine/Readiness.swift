import Foundation

/// Engine §3: what the app says of itself. Written natively, with no network, and also while an app crashes.
final class Readiness {
  private let files: FilesPort
  private let store: StateStore
  private let running: InstalledRelease?
  /// A confirmation is due: that it comes says nothing of the app's habits.
  private let wasOnProbation: Bool
  /// One writer of the counter at a time. Recursive, as a thread can crash anywhere.
  private let lock = NSRecursiveLock()
  private var isOver = false

  init(_ files: FilesPort, _ store: StateStore, running: InstalledRelease?) {
    self.files = files
    self.store = store
    self.running = running
    wasOnProbation = store.current.active?.standing == .probation
  }

  /// Nothing is written from now on.
  func end() {
    lock.lock()
    defer { lock.unlock() }
    isOver = true
    store.end()
  }

  /// False when it could not be stored.
  func confirm() -> Bool {
    lock.lock()
    defer { lock.unlock() }
    if isOver { return false }
    do {
      if let running, isOnProbation {
        let report = NewReport(kind: .confirmed, releaseId: running.releaseId, version: running.version)
        try store.commit(reports: [report], confirmActive)
        try clearStartCount(files)
      } else {
        try noteReady()
      }
      return true
    } catch {
      // Still on probation, and counted: the app may ask again.
      return !isOnProbation
    }
  }

  /// As if it had been started so often, at least. False when nothing runs that could be gone back from.
  func noteCrash(leastStarts: Int) throws -> Bool {
    // Another thread may have died with the lock: then what it wrote is whole or is not there.
    let hasLock = lock.lock(before: Date(timeIntervalSinceNow: 2))
    defer { if hasLock { lock.unlock() } }
    guard !isOver, let active = store.current.active, isSameRelease(active.release, running) else { return false }
    var count =
      countOf(active, try readStartCount(files))
      ?? StartCount(
        releaseId: active.release.releaseId, standing: active.standing, starts: 1, hasCrashed: false, isReady: false)
    count.starts = max(count.starts, leastStarts)
    count.hasCrashed = true
    try writeStartCount(files, count)
    return true
  }

  private var isOnProbation: Bool {
    let active = store.current.active
    return active?.standing == .probation && isSameRelease(active?.release, running)
  }

  /// An app that says it when nothing waits for it says it always, and silence means something.
  private func noteReady() throws {
    let state = store.current
    if !state.tellsReady && !wasOnProbation { try store.commit { $0.tellsReady = true } }
    guard let active = state.active, isSameRelease(active.release, running) else { return }
    guard var count = countOf(active, try readStartCount(files)), !count.isReady else { return }
    count.isReady = true
    // Bad starts must not come back with a power cut: then few would be as good as many.
    if count.starts > 1 { try writeStartCount(files, count) } else { try noteStartCount(files, count) }
  }
}

private func confirmActive(_ state: inout StoredState) throws {
  guard var active = state.active, try nextState(active.standing.state, .confirm) == .confirmed else { return }
  active.standing = .confirmed
  state.active = active
  // Engine §4: only what proved itself bars the way back.
  state.highWater = max(state.highWater, active.release.sequence)
}
