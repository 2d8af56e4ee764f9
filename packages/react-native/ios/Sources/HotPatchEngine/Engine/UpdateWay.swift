/// Engine §2: where the update of this process is, told at every step.
final class UpdateWay {
  private(set) var state = UpdateState.idle
  private let emit: (EngineEvent) -> Void

  init(_ emit: @escaping (EngineEvent) -> Void) {
    self.emit = emit
  }

  /// What was offered before can be asked about again; whatever else was under way is over.
  func beginCheck() throws {
    if state != .offered { state = .idle }
    try advance(.check)
  }

  func advance(_ event: UpdateEvent, _ releaseId: String? = nil) throws {
    state = try nextState(state, event)
    emit(.state(state, releaseId: releaseId))
  }
}
