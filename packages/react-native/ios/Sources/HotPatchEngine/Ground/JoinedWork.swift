import Foundation

/// Where TypeScript has one thread and promises: who asks for what is being done already waits for it, and does nothing.
final class JoinedWork {
  private let condition = NSCondition()
  private var rounds = 0
  private var isRunning = false

  func run(_ work: () -> Void) {
    condition.lock()
    if isRunning {
      let joined = rounds
      while rounds == joined { condition.wait() }
      condition.unlock()
      return
    }
    isRunning = true
    condition.unlock()
    work()
    condition.lock()
    isRunning = false
    rounds += 1
    condition.broadcast()
    condition.unlock()
  }
}
