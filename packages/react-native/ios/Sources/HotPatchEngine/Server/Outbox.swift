import Foundation

/// Engine §7: reports wait in ota/outbox.json until the server accepts them. A crash between sending and forgetting sends
/// one twice, under the same event id.
final class Outbox {
  private let files: FilesPort
  private let store: StateStore
  private let limits: Limits
  private let emit: (EngineEvent) -> Void
  private let flushing = JoinedWork()
  private let lock = NSRecursiveLock()
  private var waiting: [Report]?
  /// Still in the metadata as well, because the disk took no more.
  private var takenOver: Set<ExactText> = []
  private var link: (server: ServerApi, trust: TrustTeller)?
  private var isOver = false

  init(_ files: FilesPort, _ store: StateStore, _ limits: Limits, emit: @escaping (EngineEvent) -> Void) {
    self.files = files
    self.store = store
    self.limits = limits
    self.emit = emit
  }

  /// Before it, what is to be told waits.
  func connect(_ server: ServerApi, _ trust: TrustTeller) {
    lock.lock()
    defer { lock.unlock() }
    link = (server, trust)
  }

  /// Nothing is written from now on: what is sent twice has the same id.
  func end() {
    lock.lock()
    defer { lock.unlock() }
    isOver = true
  }

  /// Sends what it can; what it cannot waits. A second call joins one that is under way.
  func flush() {
    flushing.run { try? deliver() }
  }

  /// For a disk that takes no more: told if the process lives long enough, and if the disk can at least be read.
  func keepInMemory(_ report: Report) {
    lock.lock()
    defer { lock.unlock() }
    guard let known = try? load() else { return }
    waiting = (known + [report]).suffix(limits.reports)
  }

  private func deliver() throws {
    guard let (server, trust) = locked({ link }) else { return }
    try locked { try takeOver() }
    var atOnce = limits.reportsAtOnce
    while true {
      let batch = firstBatch(try locked { try load() }, atOnce)
      if batch.isEmpty { return }
      switch server.deliver(batch, trust.tell()) {
      case .later: return
      case .settled(let dropped): try settle(batch, dropped)
      case .refused(let reason):
        if batch.count > 1 {
          // One report that the server will never take must not stand in the way of the others: look for it by halves.
          atOnce = batch.count / 2
        } else {
          try settle(batch, batch.map { ($0.eventId, reason) })
        }
      }
    }
  }

  private func takeOver() throws {
    let fresh = store.current.unreported
    if fresh.isEmpty { return }
    let waiting = try load()
    let known = takenOver.union(waiting.map { ExactText($0.eventId) })
    let isSaved = save(waiting + fresh.filter { !known.contains(ExactText($0.eventId)) })
    let taken = Set(fresh.map { ExactText($0.eventId) })
    takenOver = taken
    // Else they stay where they are, for the next process.
    if !isSaved { return }
    try? store.commit { state in state.unreported.removeAll { taken.contains(ExactText($0.eventId)) } }
  }

  private func settle(_ batch: [Report], _ dropped: [(eventId: String, reason: String)]) throws {
    let gone = Set(batch.map { ExactText($0.eventId) })
    let reports = try locked {
      let reports = try load()
      save(reports.filter { !gone.contains(ExactText($0.eventId)) })
      return reports
    }
    for (eventId, reason) in dropped {
      if let report = reports.first(where: { isSameText($0.eventId, eventId) }) {
        emit(.reportDropped(report, reason: reason))
      }
    }
  }

  private func load() throws -> [Report] {
    if let waiting { return waiting }
    let stored = try readJsonFile(files, StorageLayout.outbox) { try readReports($0, "") } ?? []
    waiting = stored
    return stored
  }

  /// False when the disk did not take it: then it is in memory only.
  @discardableResult
  private func save(_ reports: [Report]) -> Bool {
    let kept = Array(reports.suffix(limits.reports))
    waiting = kept
    return !isOver && (try? writeJsonFile(files, StorageLayout.outbox, writeReports(kept))) != nil
  }

  private func locked<T>(_ work: () throws -> T) rethrows -> T {
    lock.lock()
    defer { lock.unlock() }
    return try work()
  }
}

/// From the oldest on: as many as fit, of one app binary, which a request names once.
private func firstBatch(_ reports: [Report], _ atOnce: Int) -> [Report] {
  guard let oldest = reports.first else { return [] }
  return Array(reports.prefix(atOnce).prefix { isSameBinary(binaryOf($0), binaryOf(oldest)) })
}
