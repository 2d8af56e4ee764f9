import Foundation

/// Those who are told what an engine does. They are called in the thread that does it, and must not ask the engine for
/// anything that waits.
final class Listeners {
  private let lock = NSLock()
  private var listeners: [(id: Int, run: (EngineEvent) -> Void)] = []
  private var count = 0

  func emit(_ event: EngineEvent) {
    lock.lock()
    let all = listeners
    lock.unlock()
    for listener in all { listener.run(event) }
  }

  func add(_ run: @escaping (EngineEvent) -> Void) -> () -> Void {
    lock.lock()
    defer { lock.unlock() }
    let id = count
    count += 1
    listeners.append((id, run))
    return { [weak self] in self?.remove(id) }
  }

  private func remove(_ id: Int) {
    lock.lock()
    defer { lock.unlock() }
    listeners.removeAll { $0.id == id }
  }
}
