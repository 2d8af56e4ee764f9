/// Engine §6: carries out a move. The intent is durable before the first rename; every step does nothing when it was done
/// before, so after a crash the whole is simply carried out again.
func switchRelease(_ ports: Ports, _ store: StateStore, _ move: Move) throws {
  if store.current.move !== move { try store.commit { $0.move = move } }
  let isDone = try move.source.release.map { try bringIn(ports, store.current, move, $0) } ?? dropAll(ports, move)
  let reports = reportsOf(store.current.active?.release, move, isDone)
  try clearStartCount(ports.files)
  try store.commit(reports: reports) { state in
    if isDone { try finishMove(&state, move, binaryOf(ports.host)) } else { abandonMove(&state, move) }
  }
}

/// What is staged turned out not to be whole: what ran before runs again.
func forgetStaged(_ store: StateStore) throws {
  let reports = store.current.staged?.release.map {
    [damageOf($0.releaseId, $0.version, "the staged release is damaged")]
  }
  try store.commit(reports: reports ?? []) { $0.staged = nil }
}

/// Nothing older is left to fall back to; what is staged stays only where it may be the mend.
private func dropAll(_ ports: Ports, _ move: Move) throws -> Bool {
  let files = ports.files
  try files.remove(Slot.bundle.path)
  try files.remove(Slot.previous.path)
  if !isFallback(move) { try files.remove(StorageLayout.pending) }
  try files.syncDirectory(StorageLayout.root)
  return true
}

/// False when what was to be brought in is not whole; then what was there before is there again.
private func bringIn(_ ports: Ports, _ state: StoredState, _ move: Move, _ release: InstalledRelease) throws -> Bool {
  let (files, crypto) = (ports.files, ports.crypto)
  let source: Slot = move.source.isPending ? .pending : .previous
  let active = state.active?.release
  let bundle = try inspectSlot(files, crypto, .bundle)
  if isSameRelease(bundle, release) && !isSameRelease(bundle, active) { return true }
  // Bytes that change places are read once more, all of them.
  let isWhole = try isSameRelease(inspectSlot(files, crypto, source, thorough: true), release)
  if !isWhole {
    try putBack(ports, active)
    return false
  }
  if move.keepsCurrent && isSameRelease(bundle, active) {
    try files.remove(Slot.previous.path)
    try files.rename(Slot.bundle.path, to: Slot.previous.path)
  } else {
    try files.remove(Slot.bundle.path)
  }
  try files.syncDirectory(StorageLayout.root)
  try files.rename(source.path, to: Slot.bundle.path)
  // Where it is now before where it was: at worst it is in both places, never in none.
  try files.syncDirectory(StorageLayout.root)
  if source == .pending { try files.syncDirectory(StorageLayout.pending) }
  return true
}

private func putBack(_ ports: Ports, _ active: InstalledRelease?) throws {
  let files = ports.files
  guard let active, isSameRelease(try inspectSlot(files, ports.crypto, .previous), active),
    try files.stat(Slot.bundle.path) == nil
  else { return }
  try files.rename(Slot.previous.path, to: Slot.bundle.path)
  try files.syncDirectory(StorageLayout.root)
}

/// Engine §2: what a move means for the release that it takes out of ota/bundle.
private func leaving(_ why: Move.Why) -> UpdateEvent {
  switch why {
  case .update, .serverOrder, .binaryChanged: return .superseded
  case .notConfirmed, .crashed, .crashedAfterConfirm: return .startsUsedUp
  case .damaged: return .damaged
  }
}

private func isFallback(_ move: Move) -> Bool {
  leaving(move.why) != .superseded
}

private func finishMove(_ state: inout StoredState, _ move: Move, _ binary: Binary) throws {
  let active = state.active
  if let active, try nextState(active.standing.state, leaving(move.why)) == .rolledBack {
    let release = active.release
    let entry = RememberedRelease(
      releaseId: release.releaseId, sequence: release.sequence, sha256: release.sha256, code: codeOf(move))
    state.failed.append(entry)
  }
  state.previous = previousAfter(state, move)
  state.active = try activeAfter(move)
  state.move = nil
  // It can have been fetched again while it was not started, on a disk on which its starts could not be counted.
  let staged = state.staged?.release
  let hasStagedFailed = staged.map { isRemembered(state.failed, $0.identity, sequence: $0.sequence) } ?? false
  if !isFallback(move) || hasStagedFailed { state.staged = nil }
  // Another binary may meet what this one did not.
  if move.why == .binaryChanged {
    state.refused = []
    state.fetching = nil
    state.tellsReady = false
  }
  state.binary = binary
}

private func codeOf(_ move: Move) -> SdkCode {
  switch move.why {
  case .crashed: return .crashed
  case .crashedAfterConfirm: return .crashedAfterConfirm
  default: return .notConfirmed
  }
}

private func activeAfter(_ move: Move) throws -> ActiveRelease? {
  guard let release = move.source.release else { return nil }
  let next = try nextState(.staged, move.source.isPending ? .start : .startProven)
  return ActiveRelease(release: release, standing: next == .probation ? .probation : .confirmed)
}

private func previousAfter(_ state: StoredState, _ move: Move) -> InstalledRelease? {
  if !move.source.isPending { return nil }
  return move.keepsCurrent ? state.active?.release ?? state.previous : state.previous
}

/// What could not be brought in is forgotten; the next choice is made without it.
private func abandonMove(_ state: inout StoredState, _ move: Move) {
  state.move = nil
  if isSameRelease(state.staged?.release, move.source.release) { state.staged = nil }
  if case .previous = move.source { state.previous = nil }
}

private func reportsOf(_ left: InstalledRelease?, _ move: Move, _ isDone: Bool) -> [NewReport] {
  let target = move.source.release
  let version = target?.version ?? embeddedVersion
  if !isDone { return [damageOf(target?.releaseId, version, "the stored release is damaged")] }
  let applied = NewReport(kind: .applied, releaseId: target?.releaseId, version: version)
  switch (move.why, left) {
  case (.update, _), (.serverOrder, _): return [applied]
  case (_, nil): return []
  case (.binaryChanged, _):
    var report = applied
    report.detail = "the app binary was replaced"
    return [report]
  case (.damaged, let left?): return [damageOf(left.releaseId, left.version, "the running release is damaged")]
  case (_, let left?):
    let detail = "now runs \(version)"
    return [
      NewReport(
        kind: .rolledBack, releaseId: left.releaseId, version: left.version, code: codeOf(move), detail: detail)
    ]
  }
}

private func damageOf(_ releaseId: String?, _ version: String, _ detail: String) -> NewReport {
  NewReport(kind: .failed, releaseId: releaseId, version: version, code: .storageFailed, detail: detail)
}
