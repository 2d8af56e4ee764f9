// A device must be able to choose what to launch with no network, before any of the app's own code has run, and after a
// crash at any moment. So the choice is a pure function of what is in ota/, and of nothing else.

struct LaunchFacts {
  /// The release that each slot holds whole; nil for a slot that is empty, torn or unreadable.
  struct Slots {
    var bundle: InstalledRelease?
    var previous: InstalledRelease?
    var pending: InstalledRelease?
  }

  var state: StoredState
  var slots: Slots
  var count: StartCount?
  var binary: Binary
  var startsOnProbation: Int
  var badStartsInARow: Int
}

enum LaunchStep {
  case move(Move)
  case forgetStaged
  /// Nil is embedded.
  case launch(ActiveRelease?)
}

/// Engine §3: the next step towards a launch. Steps are carried out, and the choice made again, until it is a launch.
func chooseLaunch(_ facts: LaunchFacts) -> LaunchStep {
  let (state, slots) = (facts.state, facts.slots)
  let active = state.active

  // Releases proved themselves on the binary that was replaced: that says nothing of this one.
  if !isSameBinary(state.binary, facts.binary) { return move(.embedded, .binaryChanged) }
  // Whatever was begun is completed first.
  if let begun = state.move { return .move(begun) }

  if let active, isUsedUp(active, facts) { return move(fallback(facts), whyUsedUp(active, facts)) }
  if let staged = state.staged {
    if !isAtHand(facts) { return .forgetStaged }
    if !staged.isPending { return move(staged, .serverOrder) }
    // Only what proved itself becomes ota/previous; a release on probation is simply replaced.
    let keepsCurrent = active?.standing == .confirmed && isSameRelease(slots.bundle, active?.release)
    return .move(Move(staged, why: .update, keepsCurrent: keepsCurrent))
  }
  guard let active else { return .launch(nil) }
  if !isSameRelease(slots.bundle, active.release) { return move(fallback(facts), .damaged) }
  return .launch(active)
}

/// Engine §3: the last stable release if it is whole and not below the floor, else what the binary shipped with.
func fallback(_ facts: LaunchFacts) -> Source {
  guard let previous = facts.state.previous, isSameRelease(facts.slots.previous, previous),
    previous.sequence >= facts.state.floor
  else { return .embedded }
  return .previous(previous)
}

private func move(_ source: Source, _ why: Move.Why) -> LaunchStep {
  .move(Move(source, why: why, keepsCurrent: false))
}

/// Whether the release may not be started once more.
func isUsedUp(_ active: ActiveRelease, _ facts: LaunchFacts) -> Bool {
  guard let count = countOf(active, facts.count) else { return false }
  if active.standing == .probation { return count.hasCrashed || count.starts >= facts.startsOnProbation }
  // It was good once, and one crash can have any reason.
  return endedBadly(count, tellsReady: facts.state.tellsReady) && count.starts >= facts.badStartsInARow
}

/// What was counted of this release, as it stands now: a count from its probation says nothing later.
func countOf(_ active: ActiveRelease, _ count: StartCount?) -> StartCount? {
  guard let count, isSameText(count.releaseId, active.release.releaseId), count.standing == active.standing else {
    return nil
  }
  return count
}

private func whyUsedUp(_ active: ActiveRelease, _ facts: LaunchFacts) -> Move.Why {
  if active.standing == .confirmed { return .crashedAfterConfirm }
  return facts.count?.hasCrashed == true ? .crashed : .notConfirmed
}

private func isAtHand(_ facts: LaunchFacts) -> Bool {
  switch facts.state.staged {
  case .pending(let release): return isSameRelease(facts.slots.pending, release)
  case .previous(let release):
    return isSameRelease(facts.slots.previous, release) && release.sequence >= facts.state.floor
  default: return true
  }
}
