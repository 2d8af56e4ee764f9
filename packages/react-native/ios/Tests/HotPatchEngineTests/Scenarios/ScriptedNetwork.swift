import XCTest

@testable import HotPatchEngine

struct NetworkError: Error, CustomStringConvertible {
  let description: String
}

/// Answers exactly the requests that a step expects, in their order.
final class ScriptedNetwork: HttpPort {
  private let file: ScenarioFile
  private let clock: VirtualClock
  private let appKey: String?
  private var waiting: [JsonObject] = []
  private(set) var faults: [String] = []

  init(_ file: ScenarioFile, _ clock: VirtualClock, appKey: String?) {
    self.file = file
    self.clock = clock
    self.appKey = appKey
  }

  func expect(_ exchanges: [JsonValue]) throws {
    waiting = try exchanges.map { try readObject($0, "/exchanges") }
  }

  /// Requests that came and were not expected, or were expected and did not come.
  func takeFaults() -> [String] {
    defer { faults = [] }
    return faults + waiting.map { "never came: \(writeJson(.object($0)))" }
  }

  func open(_ request: HttpRequest) -> HttpExchange {
    do {
      return try ScriptedExchange(file, clock, response: answer(to: request))
    } catch {
      return ScriptedExchange(clock, failing: NetworkError(description: String(describing: error)))
    }
  }

  private func answer(to request: HttpRequest) throws -> JsonObject? {
    var found = try plainRequest(request)
    found["atMs"] = .number(clock.elapsed())
    guard !waiting.isEmpty else {
      faults.append("not expected: \(writeJson(.object(found)))")
      throw NetworkError(description: "this request is not expected")
    }
    let next = waiting.removeFirst()
    let name = try readString(next["request"], "/request")
    var expected = try readObject(readObject(file.json["requests"], "/requests")[name], "/requests/\(name)")
    expected["atMs"] = next["atMs"]
    if loosened(.object(found), .object(expected)) != .object(expected) {
      faults.append("expected \(writeJson(.object(expected))), found \(writeJson(.object(found)))")
      throw NetworkError(description: "this request is not expected")
    }
    guard let response = next["response"], response != .null else { return nil }
    return try readObject(response, "/response")
  }

  /// Without the headers that every request of its kind has.
  private func plainRequest(_ request: HttpRequest) throws -> JsonObject {
    var usual = ["accept-encoding": "identity"]
    if request.method == .post {
      usual = ["content-type": "application/json", "accept": "application/json"]
      if let appKey { usual["x-app-key"] = appKey }
    }
    for (name, value) in usual where !isSameText(request.headers[name], value) {
      throw NetworkError(description: "a request without \(name)")
    }
    let others = request.headers.filter { usual[$0.key] == nil }.map { ($0.key, JsonValue.string($0.value)) }
    let json = try request.body.map { try readJson($0) }
    return JsonObject([
      ("method", .string(request.method.rawValue)), ("url", .string(request.url)),
      ("headers", others.isEmpty ? nil : .object(JsonObject(others))), ("json", json),
    ])
  }
}

/// One answer, in the pieces in which the scenario has it.
private final class ScriptedExchange: HttpExchange {
  private enum Piece {
    case bytes([UInt8], afterMs: Double)
    case reset, silence, endless
  }

  private let clock: VirtualClock
  private let failure: Error?
  private var head = HttpResponse(status: 0, headers: [:])
  private var pieces: [Piece] = []
  private var isAborted = false

  init(_ clock: VirtualClock, failing failure: Error) {
    self.clock = clock
    self.failure = failure
  }

  /// Nil: the connection fails before anything came.
  init(_ file: ScenarioFile, _ clock: VirtualClock, response: JsonObject?) throws {
    self.clock = clock
    guard let response else {
      failure = NetworkError(description: "no route to host")
      return
    }
    failure = nil
    head.status = try readInteger(response["status"], "/status", minimum: 100)
    if let headers = response["headers"] {
      for field in try readObject(headers, "/headers").fields {
        head.headers[field.name] = try readString(field.value, "/headers/\(field.name)")
      }
    }
    switch response["body"] {
    case nil: break
    case .string(let name)?: pieces = [.bytes(try file.bytesOf(name), afterMs: 0)]
    case let list: pieces = try readArray(list, "/body", maxLength: 1_000_000).flatMap { try ScriptedExchange.read($0, file) }
    }
  }

  private static func read(_ value: JsonValue, _ file: ScenarioFile) throws -> [Piece] {
    let json = try readObject(value, "/body")
    if let end = json["end"] ?? json["then"] {
      switch try readString(end, "/end") {
      case "reset": return [.reset]
      case "silence": return [.silence]
      case "endless": return [.endless]
      case let other: throw NetworkError(description: "a body does not end in \(other)")
      }
    }
    let all = try file.bytesOf(readString(json["body"], "/body"))
    let from = try json["from"].map { try readInteger($0, "/from", minimum: 0) } ?? 0
    let to = min(all.count, try json["to"].map { try readInteger($0, "/to", minimum: 0) } ?? all.count)
    let afterMs = try json["afterMs"].map { try readInteger($0, "/afterMs", minimum: 0) } ?? 0
    let each = max(1, try json["each"].map { try readInteger($0, "/each", minimum: 1) } ?? to - from)
    return stride(from: from, to: to, by: each).map { at in
      .bytes(Array(all[at..<min(at + each, to)]), afterMs: Double(afterMs))
    }
  }

  func response(withinMs: Double) throws -> HttpResponse {
    if let failure { throw failure }
    return head
  }

  func next(withinMs: Double) throws -> [UInt8]? {
    if isAborted { throw NetworkError(description: "it was given up") }
    guard let piece = pieces.first else { return nil }
    switch piece {
    case .reset: throw NetworkError(description: "ECONNRESET")
    case .endless: return [UInt8](repeating: 0, count: 1000)
    case .silence: return try pass(.infinity, within: withinMs) { nil }
    case .bytes(let bytes, let afterMs):
      return try pass(afterMs, within: withinMs) {
        pieces.removeFirst()
        return bytes
      }
    }
  }

  private func pass(_ ms: Double, within: Double, _ then: () -> [UInt8]?) throws -> [UInt8]? {
    if ms > within {
      clock.sleep(ms: within)
      throw TookTooLongError("nothing came")
    }
    clock.sleep(ms: ms)
    return then()
  }

  func abort() {
    isAborted = true
  }
}
