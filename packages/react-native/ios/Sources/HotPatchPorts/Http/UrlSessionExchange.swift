import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// What has come waits here for whoever reads it.
private let mostWaitingBytes = 1024 * 1024

final class UrlSessionExchange: HttpExchange {
  private let condition = NSCondition()
  private let task: URLSessionTask?
  private var head: HttpResponse?
  private var waiting: [[UInt8]] = []
  private var waitingBytes = 0
  private var end: Result<Void, Error>?
  private var isAborted = false

  init(_ task: URLSessionTask) {
    self.task = task
  }

  init(failedWith error: Error) {
    task = nil
    end = .failure(error)
  }

  func response(withinMs: Double) throws -> HttpResponse {
    try waitFor(withinMs) { head }
  }

  func next(withinMs: Double) throws -> [UInt8]? {
    try waitFor(withinMs) { () -> [UInt8]?? in
      guard !waiting.isEmpty else {
        if case .success = end { return .some(nil) }
        return nil
      }
      let bytes = waiting.removeFirst()
      waitingBytes -= bytes.count
      condition.broadcast()
      return bytes
    }
  }

  func abort() {
    condition.lock()
    isAborted = true
    waiting = []
    waitingBytes = 0
    condition.broadcast()
    condition.unlock()
    task?.cancel()
  }

  func received(_ response: URLResponse) {
    guard let http = response as? HTTPURLResponse else { return }
    var headers: [String: String] = [:]
    for case (let name as String, let value as String) in http.allHeaderFields { headers[name.lowercased()] = value }
    condition.lock()
    head = HttpResponse(status: http.statusCode, headers: headers)
    condition.broadcast()
    condition.unlock()
  }

  /// Comes back when there is room for more: until then no more is asked of the network.
  func received(_ data: Data) {
    condition.lock()
    while waitingBytes > mostWaitingBytes, !isAborted { condition.wait() }
    if !isAborted, !data.isEmpty {
      waiting.append([UInt8](data))
      waitingBytes += data.count
    }
    condition.broadcast()
    condition.unlock()
  }

  func ended(_ error: Error?) {
    condition.lock()
    end = error.map { .failure($0) } ?? .success(())
    condition.broadcast()
    condition.unlock()
  }

  private func waitFor<Found>(_ ms: Double, _ find: () -> Found?) throws -> Found {
    let deadline = Date(timeIntervalSinceNow: ms / 1000)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let found = find() { return found }
      if isAborted { throw EndedError() }
      if case .failure(let error) = end { throw error }
      if case .success = end { throw EndedError() }
      if !condition.wait(until: deadline) {
        throw TookTooLongError("nothing came within \(Int(ms)) ms")
      }
    }
  }
}

struct EndedError: Error, CustomStringConvertible {
  let description = "the exchange was ended"
}
