import Foundation

/// A second call of the same kind joins the first; different ones follow each other, in the order in which they came.
final class Lane<Outcome> {
  private final class Call {
    let ticket: Int
    var outcome: Outcome?

    init(_ ticket: Int) {
      self.ticket = ticket
    }
  }

  private let condition = NSCondition()
  private var calls: [String: Call] = [:]
  private var tickets = 0
  private var served = 0

  func join(_ name: String, _ work: () -> Outcome) -> Outcome {
    condition.lock()
    if let call = calls[name] {
      defer { condition.unlock() }
      while true {
        if let outcome = call.outcome { return outcome }
        condition.wait()
      }
    }
    let call = Call(tickets)
    tickets += 1
    calls[name] = call
    while served < call.ticket { condition.wait() }
    condition.unlock()
    let outcome = work()
    condition.lock()
    call.outcome = outcome
    calls[name] = nil
    served += 1
    condition.broadcast()
    condition.unlock()
    return outcome
  }
}
