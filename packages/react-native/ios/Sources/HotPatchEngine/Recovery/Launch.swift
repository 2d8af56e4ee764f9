public struct LaunchedRelease: Equatable {
  public var directory: String
  public var releaseId: String
  public var version: String
  /// Of files, where their list names one: the path, within the directory, of the file that is run first.
  public var launch: String?
}

public enum Launch: Equatable {
  case embedded
  case release(LaunchedRelease)
}

// Each step brings the state closer to a launch: an unfinished move, the roll-back that it uncovers, the roll-back's
// second choice, a staged update, and its damage.
private let maxSteps = 8

struct UnsettledError: Error, CustomStringConvertible {
  let description = "the stored state does not settle"
}

/// Engine §3: what this start runs; nil is embedded. Settles whatever a crash or the last session left behind; needs no
/// network.
func launch(_ ports: Ports, _ store: StateStore, _ limits: Limits, inBackground: Bool) throws -> InstalledRelease? {
  for _ in 0..<maxSteps {
    let facts = try gatherFacts(ports, store, limits)
    switch chooseLaunch(facts) {
    case .move(let move): try switchRelease(ports, store, move)
    case .forgetStaged: try forgetStaged(store)
    case .launch(nil): return nil
    case .launch(let active?):
      if active.standing == .probation {
        try countStart(ports, active, facts)
      } else if !inBackground {
        // Nobody waits for a screen in the background: that none comes says nothing of the release.
        noteStart(ports, active, facts)
      }
      return active.release
    }
  }
  throw UnsettledError()
}

/// When the disk lets nothing be written, a release on probation cannot be counted and so is not started: the last one
/// that proved itself is, from where it lies.
func launchWithoutWriting(
  _ ports: Ports, _ store: StateStore, _ limits: Limits
) throws -> (slot: Slot, release: InstalledRelease)? {
  let facts = try gatherFacts(ports, store, limits)
  if !isSameBinary(facts.state.binary, facts.binary) { return nil }
  if let active = facts.state.active, active.standing == .confirmed, isSameRelease(facts.slots.bundle, active.release),
    !isUsedUp(active, facts)
  {
    return (.bundle, active.release)
  }
  return fallback(facts).release.map { (.previous, $0) }
}

func launchOf(_ files: FilesPort, _ release: InstalledRelease?, _ slot: Slot) -> Launch {
  guard let release else { return .embedded }
  return .release(
    LaunchedRelease(
      directory: files.locate(slot.path), releaseId: release.releaseId, version: release.version,
      launch: release.launch))
}

private func gatherFacts(_ ports: Ports, _ store: StateStore, _ limits: Limits) throws -> LaunchFacts {
  let state = store.current
  let active = state.active
  var facts = LaunchFacts(
    state: state, slots: LaunchFacts.Slots(), count: nil, binary: binaryOf(ports.host),
    startsOnProbation: limits.startsOnProbation, badStartsInARow: limits.badStartsInARow)
  if active != nil { facts.slots.bundle = try inspectSlot(ports.files, ports.crypto, .bundle) }
  if active != nil || state.move != nil { facts.count = try readStartCount(ports.files) }
  // The usual start, of a confirmed release that is whole, looks at one slot only.
  if isUsual(facts) { return facts }
  facts.slots.previous = try inspectSlot(ports.files, ports.crypto, .previous)
  facts.slots.pending = try inspectSlot(ports.files, ports.crypto, .pending)
  return facts
}

private func isUsual(_ facts: LaunchFacts) -> Bool {
  let state = facts.state
  if state.staged != nil || state.move != nil { return false }
  guard let active = state.active else { return true }
  return active.standing == .confirmed && isSameRelease(facts.slots.bundle, active.release) && !isUsedUp(active, facts)
}

private func countStart(_ ports: Ports, _ active: ActiveRelease, _ facts: LaunchFacts) throws {
  try writeStartCount(ports.files, nextCount(active, countOf(active, facts.count)?.starts ?? 0))
}

/// Engine §3: not worth a wait for the disk, and no reason not to start what was confirmed.
private func noteStart(_ ports: Ports, _ active: ActiveRelease, _ facts: LaunchFacts) {
  let last = countOf(active, facts.count)
  let badStarts = last.map { endedBadly($0, tellsReady: facts.state.tellsReady) ? $0.starts : 0 } ?? 0
  try? noteStartCount(ports.files, nextCount(active, badStarts))
}

private func nextCount(_ active: ActiveRelease, _ starts: Int) -> StartCount {
  StartCount(
    releaseId: active.release.releaseId, standing: active.standing, starts: starts + 1, hasCrashed: false,
    isReady: false)
}
