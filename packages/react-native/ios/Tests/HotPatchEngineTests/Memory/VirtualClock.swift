import Foundation

@testable import HotPatchEngine

/// Time that passes only when somebody waits.
final class VirtualClock: ClockPort {
  private let lock = NSLock()
  private var passed = 0.0
  private var shown: Double

  init(startAt: Double = 1_767_225_600_000) {
    shown = startAt
  }

  func now() -> Int { locked { Int(shown) } }
  func elapsed() -> Double { locked { passed } }
  func random() -> Double { 0.5 }

  func sleep(ms: Double) {
    locked {
      passed += max(0, ms)
      shown += max(0, ms)
    }
  }

  /// Somebody sets the clock: what it shows from now on is so much later, or earlier.
  func set(byMs: Double) {
    locked { shown += byMs }
  }

  private func locked<T>(_ work: () -> T) -> T {
    lock.lock()
    defer { lock.unlock() }
    return work()
  }
}
