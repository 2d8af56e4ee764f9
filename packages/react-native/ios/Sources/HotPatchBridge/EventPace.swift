import Foundation

/// Between one word of progress and the next.
private let progressMs = 100.0

/// Hands on what JavaScript wants to hear. Of progress not all of it, but the last of it always.
public final class EventPace {
  private let lock = NSLock()
  private let elapsed: () -> Double
  private var held: String?
  private var sentAt: Double?

  /// - Parameter elapsed: milliseconds, by a clock that nobody sets
  public init(elapsed: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime * 1000 }) {
    self.elapsed = elapsed
  }

  /// - Parameter event: a `NativeEvent` as JSON
  public func hear(_ event: String, _ send: (String) -> Void) {
    lock.lock()
    defer { lock.unlock() }
    guard event.utf8.starts(with: "{\"type\":\"progress\"".utf8) else {
      if let held { send(held) }
      held = nil
      return send(event)
    }
    let now = elapsed()
    if let sentAt, now - sentAt < progressMs {
      held = event
      return
    }
    held = nil
    sentAt = now
    send(event)
  }
}
