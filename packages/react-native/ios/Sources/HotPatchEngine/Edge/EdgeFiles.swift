struct FetchedEnvelope {
  let envelope: EdgeEnvelope
  /// What the time is where it came from; nil where that is not told.
  let toldAt: Int?
}

/// Static edge §2: the files of an edge, fetched with a bound on size and time, and believed in nothing.
struct EdgeFiles {
  let ports: Ports
  let settings: Settings
  let baseUrl: String

  /// Throws UpdateError.
  func fetchEnvelope(_ path: String) throws -> FetchedEnvelope {
    let answer = try fetch(path, maxBytes: maxEdgeEnvelopeBytes)
    let text = try textOf(answer.body, path)
    let envelope = try readOrRefuse(path) { try readEdgeEnvelope(text) }
    let toldAt = answer.headers["date"].flatMap(millisecondsFromHttpDate)
    return FetchedEnvelope(envelope: envelope, toldAt: toldAt.map { Int($0) })
  }

  /// Throws UpdateError.
  func fetchBytes(_ path: String, maxBytes: Int) throws -> [UInt8] {
    try fetch(path, maxBytes: maxBytes).body
  }

  private func fetch(_ path: String, maxBytes: Int) throws -> SmallAnswer {
    let url = "\(baseUrl)/\(path)"
    if !isAllowedAddress(url, settings.config.allowInsecure) {
      throw UpdateError(.insecureUrl, "the edge's address is not https: \(baseUrl)")
    }
    let answer = try reach(HttpRequest(method: .get, url: url, headers: headers), maxBytes)
    if answer.status == 200 { return answer }
    throw UpdateError(.checkFailed, "the edge answered \(answer.status) for \(path)", status: answer.status)
  }

  private func reach(_ request: HttpRequest, _ maxBytes: Int) throws -> SmallAnswer {
    do {
      return try exchangeSmall(
        http: ports.http, clock: ports.clock, request, maxBytes: maxBytes, timeoutMs: settings.limits.requestTimeoutMs)
    } catch let cause as AnswerTooLongError {
      throw UpdateError(.answerInvalid, cause.description, cause: cause)
    } catch {
      throw UpdateError(.checkFailed, "the edge was not reached: \(messageOf(error))", cause: error)
    }
  }
}

/// What is signed are the bytes as they are.
private let headers = ["accept": "application/json", "accept-encoding": "identity"]

/// Throws UpdateError 'answer-invalid'.
func textOf(_ bytes: [UInt8], _ what: String) throws -> String {
  if let text = textFromUtf8(bytes) { return text }
  throw UpdateError(.answerInvalid, "\(what) of the edge is not UTF-8")
}

/// With the place of the first thing that is not as it must be. Throws UpdateError 'answer-invalid'.
func readOrRefuse<Read>(_ what: String, _ read: () throws -> Read) throws -> Read {
  do {
    return try read()
  } catch let cause as UnexpectedJsonError {
    throw UpdateError(.answerInvalid, "\(what) of the edge: \(cause)", cause: cause)
  }
}
