import Foundation

/// Many may read at a time, and one may write when nobody reads; who comes while one waits to write waits for it.
final class WorkLock {
  private let condition = NSCondition()
  private var readers = 0
  private var writers = 0
  private var isWriting = false

  func read<T>(_ work: () throws -> T) rethrows -> T {
    condition.lock()
    while writers > 0 { condition.wait() }
    readers += 1
    condition.unlock()
    defer { leave { readers -= 1 } }
    return try work()
  }

  func write<T>(_ work: () throws -> T) rethrows -> T {
    condition.lock()
    writers += 1
    while readers > 0 || isWriting { condition.wait() }
    isWriting = true
    condition.unlock()
    defer {
      leave {
        isWriting = false
        writers -= 1
      }
    }
    return try work()
  }

  private func leave(_ change: () -> Void) {
    condition.lock()
    change()
    condition.broadcast()
    condition.unlock()
  }
}
