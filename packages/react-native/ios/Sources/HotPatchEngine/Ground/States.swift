/// Engine §2: the way of one update, as one table.
///
/// Every update walks it from the top. A device holds at most three at a time: one that is being fetched
/// (idle … verifying), one that waits for the next start (staged), and one that runs (probation, confirmed).
/// Nothing here does anything; Engine.swift and Launch.swift carry it out.

public enum UpdateState: String, CaseIterable, Sendable {
  case idle
  case checking
  case offered
  case downloading
  case verifying
  case staged
  case probation
  case confirmed
  case rolledBack = "rolled-back"
}

public enum UpdateEvent: String, CaseIterable, Sendable {
  case check
  case nothingOffered = "nothing-offered"
  case offered
  case download
  case atHand = "at-hand"
  case failed
  case refused
  case downloaded
  case resumedWrongly = "resumed-wrongly"
  case listed
  case patchFailed = "patch-failed"
  case verified
  case superseded
  case start
  case startProven = "start-proven"
  case confirm
  case startsUsedUp = "starts-used-up"
  case damaged
}

struct Transition {
  let from: UpdateState
  let event: UpdateEvent
  let to: UpdateState

  init(_ from: UpdateState, _ event: UpdateEvent, _ to: UpdateState) {
    self.from = from
    self.event = event
    self.to = to
  }
}

/// What each means is in vectors/engine/states.json, which is this table.
let transitions: [Transition] = [
  Transition(.idle, .check, .checking),

  Transition(.checking, .nothingOffered, .idle),
  Transition(.checking, .offered, .offered),
  Transition(.checking, .refused, .idle),
  Transition(.checking, .failed, .idle),

  Transition(.offered, .check, .checking),
  Transition(.offered, .download, .downloading),
  Transition(.offered, .atHand, .staged),
  Transition(.offered, .failed, .idle),

  Transition(.downloading, .downloaded, .verifying),
  Transition(.downloading, .patchFailed, .downloading),
  Transition(.downloading, .failed, .idle),
  Transition(.downloading, .refused, .idle),

  Transition(.verifying, .verified, .staged),
  Transition(.verifying, .resumedWrongly, .downloading),
  Transition(.verifying, .listed, .downloading),
  Transition(.verifying, .patchFailed, .downloading),
  Transition(.verifying, .failed, .idle),
  Transition(.verifying, .refused, .idle),

  Transition(.staged, .superseded, .idle),
  Transition(.staged, .damaged, .idle),
  Transition(.staged, .start, .probation),
  Transition(.staged, .startProven, .confirmed),

  Transition(.probation, .start, .probation),
  Transition(.probation, .confirm, .confirmed),
  Transition(.probation, .startsUsedUp, .rolledBack),
  Transition(.probation, .superseded, .idle),
  Transition(.probation, .damaged, .idle),

  Transition(.confirmed, .confirm, .confirmed),
  Transition(.confirmed, .start, .confirmed),
  Transition(.confirmed, .startsUsedUp, .rolledBack),
  Transition(.confirmed, .superseded, .idle),
  Transition(.confirmed, .damaged, .idle),
]

/// Nil when the table has no such row.
func transition(_ state: UpdateState, _ event: UpdateEvent) -> UpdateState? {
  transitions.first { $0.from == state && $0.event == event }?.to
}

/// A pair that the table has no row for is a bug in the engine: it is told, and what was the case stays so.
struct NoTransitionError: Error, CustomStringConvertible {
  let state: UpdateState
  let event: UpdateEvent

  var description: String { "the state table has no row for \"\(event.rawValue)\" in \"\(state.rawValue)\"" }
}

func nextState(_ state: UpdateState, _ event: UpdateEvent) throws -> UpdateState {
  guard let next = transition(state, event) else { throw NoTransitionError(state: state, event: event) }
  return next
}
