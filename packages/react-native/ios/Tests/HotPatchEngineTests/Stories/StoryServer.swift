@testable import HotPatchEngine

/// vectors/README.md, "Stories": a server that wants one thing at a time, and hears every report once.
final class StoryServer: HttpPort {
  private let file: ScenarioFile
  var target: JsonObject?
  /// With the power goes the network: a dead process tells nobody anything.
  var isReachable: () -> Bool = { true }
  private(set) var reports: [(id: String, told: String)] = []
  private(set) var downloads: [String] = []

  init(_ file: ScenarioFile) {
    self.file = file
  }

  /// "releaseId kind code" of every report, sorted.
  var told: [String] {
    reports.map(\.told).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  func open(_ request: HttpRequest) -> HttpExchange {
    guard isReachable() else { return StoryExchange(nil) }
    return StoryExchange(try? answer(request))
  }

  private func answer(_ request: HttpRequest) throws -> StoryAnswer {
    if request.method == .get { return try artifact(request) }
    let json = try readObject(readJson(request.body ?? ""), "")
    if request.url.hasSuffix("/events") { return try hear(json) }
    return try StoryAnswer(200, json: check(json))
  }

  private func check(_ asked: JsonObject) throws -> JsonValue {
    guard let target else { return nothing("nothing-published") }
    let wanted = target["releaseId"] ?? .null
    if asked["releaseId"] ?? .null == wanted { return nothing("runs-the-target") }
    let failed = try readArray(asked["failedReleaseIds"], "/failedReleaseIds", maxLength: 1000)
    if failed.contains(wanted) { return nothing("failed-on-this-device") }
    let formats = try asked["patches"].map { try readArray($0, "/patches", maxLength: 10) } ?? []
    let running = asked["releaseId"] ?? asked["embeddedUpdateId"] ?? .null
    let patches = try target["patches"].map { try readArray($0, "/patches", maxLength: 10) } ?? []
    for patch in try patches.map({ try readObject($0, "/patches") }) {
      let isFromThere = patch["from"] == nil || patch["from"] == .null || patch["from"] == running
      if isFromThere, let format = patch["format"], formats.contains(format) { return try body(patch["answer"]) }
    }
    return try body(target["answer"])
  }

  private func body(_ name: JsonValue?) throws -> JsonValue {
    try readJson(String(decoding: file.bytesOf(readString(name, "/answer")), as: UTF8.self))
  }

  private func nothing(_ reason: String) -> JsonValue {
    jsonObject([("updateAvailable", .boolean(false)), ("reason", .string(reason))])
  }

  private func hear(_ json: JsonObject) throws -> StoryAnswer {
    let events = try readArray(json["events"], "/events", maxLength: 1000)
    for event in try events.map({ try readObject($0, "/events") }) {
      let id = try readString(event["id"], "/id")
      if reports.contains(where: { isSameText($0.id, id) }) { continue }
      let words = try [
        event["releaseId"].map { try readString($0, "/releaseId") } ?? "embedded", readString(event["kind"], "/kind"),
        event["code"].map { try readString($0, "/code") },
      ]
      reports.append((id, words.compactMap { $0 }.joined(separator: " ")))
    }
    let answer = jsonObject([("accepted", jsonNumber(events.count)), ("rejected", .array([]))])
    return StoryAnswer(200, json: answer)
  }

  private func artifact(_ request: HttpRequest) throws -> StoryAnswer {
    downloads.append(request.url)
    let name = try readObject(file.json["artifacts"], "/artifacts")[request.url]
    let bytes = try file.bytesOf(readString(name, "/artifacts"))
    guard let range = request.headers["range"], request.headers["if-range"] == "\"a\"" else {
      return StoryAnswer(200, bytes, ["etag": "\"a\""])
    }
    let from = Int(range.dropFirst("bytes=".count).dropLast()) ?? 0
    let part = "bytes \(from)-\(bytes.count - 1)/\(bytes.count)"
    return StoryAnswer(206, Array(bytes[from...]), ["etag": "\"a\"", "content-range": part])
  }
}

private struct StoryAnswer {
  let response: HttpResponse
  let body: [UInt8]

  init(_ status: Int, _ body: [UInt8], _ headers: [String: String]) {
    response = HttpResponse(status: status, headers: headers)
    self.body = body
  }

  init(_ status: Int, json: JsonValue) {
    self.init(status, Array(writeJson(json).utf8), [:])
  }
}

/// In pieces of 150 bytes; nil: the connection fails.
private final class StoryExchange: HttpExchange {
  private let answer: StoryAnswer?
  private var at = 0

  init(_ answer: StoryAnswer?) {
    self.answer = answer
  }

  func response(withinMs: Double) throws -> HttpResponse {
    guard let answer else { throw NetworkError(description: "no route to host") }
    return answer.response
  }

  func next(withinMs: Double) throws -> [UInt8]? {
    guard let body = answer?.body, at < body.count else { return nil }
    let piece = Array(body[at..<min(at + 150, body.count)])
    at += piece.count
    return piece
  }

  func abort() {}
}
