/// Held in memory before they are written.
private let writeBytes = 256 * 1024

/// One download with its attempts.
final class DownloadAttempt {
  private let wanted: Wanted
  private let place: Place
  private let context: DownloadContext
  private let files: FilesPort
  private let clock: ClockPort
  let deadline: Double
  var receivedBytes = 0

  init(_ wanted: Wanted, _ place: Place, _ context: DownloadContext, deadline: Double) {
    self.wanted = wanted
    self.place = place
    self.context = context
    self.deadline = deadline
    files = context.ports.files
    clock = context.ports.clock
  }

  func fetchRest() throws {
    let partial = try readPartial(wanted, place, files)
    if partial.offset == wanted.sizeBytes { return }
    let (exchange, response) = try open(partial)
    defer { exchange.abort() }
    let offset = try acceptResponse(partial, response)
    try receive(from: offset, exchange)
  }

  /// Engine §5: a redirect is followed only where a first request would be allowed to go.
  private func open(_ partial: PartialDownload) throws -> (HttpExchange, HttpResponse) {
    var headers = ["accept-encoding": "identity"]
    if partial.offset > 0 {
      headers["range"] = "bytes=\(partial.offset)-"
      headers["if-range"] = partial.etag
    }
    var url = wanted.url
    for _ in 0...context.limits.redirects {
      if !isAllowedAddress(url, context.allowInsecure) {
        throw UpdateError(.insecureUrl, "the address of \(wanted.name) is not https: \(shortAddress(url))")
      }
      let exchange = context.ports.http.open(HttpRequest(method: .get, url: url, headers: headers))
      let response = try patiently(exchange) { try exchange.response(withinMs: $0) }
      if response.status < 300 || response.status >= 400 { return (exchange, response) }
      exchange.abort()
      guard let location = resolveLocation(url, response.headers["location"]) else {
        throw UpdateError(.downloadFailed, "a redirect leads nowhere (from \(shortAddress(url)))")
      }
      url = location
    }
    throw UpdateError(.downloadFailed, "more than \(context.limits.redirects) redirects")
  }

  /// Where the body's first byte belongs. Throws UpdateError when the response cannot be part of what is wanted.
  private func acceptResponse(_ partial: PartialDownload, _ response: HttpResponse) throws -> Int {
    let (status, headers) = (response.status, response.headers)
    if status != 200 && status != 206 { throw try refusal(response) }
    let encoding = headers["content-encoding"] ?? "identity"
    if !isSameText(encoding, "identity") {
      throw UpdateError(.downloadFailed, "\(wanted.name) came encoded as \(encoding)")
    }
    let offset = status == 206 ? partial.offset : 0
    if status == 206 {
      let range = "bytes \(partial.offset)-\(wanted.sizeBytes - 1)/\(wanted.sizeBytes)"
      let found = headers["content-range"]
      if !isSameText(found, range) || !isSameText(headers["etag"] ?? partial.etag, partial.etag) || partial.offset == 0 {
        try discardDownload(place, files)
        throw UpdateError(
          .downloadFailed, "the range is not the rest of \(wanted.name): \(found ?? "undefined")")
      }
    } else {
      try beginPartial(wanted, place, etag: headers["etag"], files)
    }
    if let length = headers["content-length"].flatMap({ Double($0) }), length > Double(wanted.sizeBytes - offset) {
      throw tooLarge("\(writeNumber(length)) bytes from \(offset) on are coming")
    }
    return offset
  }

  private func refusal(_ response: HttpResponse) throws -> UpdateError {
    let status = response.status
    if status == 416 { try discardDownload(place, files) }
    let wait = retryAfter(response.headers, now: clock.now(), maxMs: context.limits.retryAfterMaxMs)
    // What could not be gone on with may be had from its start.
    let known = status == 416 ? nil : status
    return UpdateError(
      .downloadFailed, "the address of \(wanted.name) answered \(status)", status: known, retryAfterMs: wait)
  }

  private func receive(from start: Int, _ exchange: HttpExchange) throws {
    var offset = start
    var held: [UInt8] = []
    func flush() throws {
      if held.isEmpty { return }
      try files.append(place.bytes, offset: offset, held)
      offset += held.count
      receivedBytes += held.count
      held = []
      context.onProgress(offset)
    }
    do {
      while let piece = try patiently(exchange, { try exchange.next(withinMs: $0) }) {
        // Never more than announced is kept, whatever the headers said.
        if offset + held.count + piece.count > wanted.sizeBytes { throw tooLarge("more bytes came") }
        held += piece
        if held.count >= writeBytes { try flush() }
      }
    } catch {
      // What has arrived is worth keeping, however it ended; after a full disk this fails again, as it must.
      try flush()
      throw error
    }
    try flush()
    if offset < wanted.sizeBytes {
      throw UpdateError(.downloadTruncated, "\(offset) of \(wanted.sizeBytes) bytes of \(wanted.name) came")
    }
  }

  /// Bounded by the silence that is allowed and by what is left of the whole download's time.
  private func patiently<T>(_ exchange: HttpExchange, _ work: (Double) throws -> T) throws -> T {
    let ms = max(0, min(context.limits.idleTimeoutMs, deadline - clock.elapsed()))
    do {
      return try work(ms)
    } catch is TookTooLongError {
      exchange.abort()
      throw UpdateError(.downloadTimeout, "nothing came for \(writeNumber(ms)) ms, or the whole took too long")
    } catch {
      throw UpdateError(.downloadFailed, "the connection failed: \(messageOf(error))", cause: error)
    }
  }

  private func tooLarge(_ found: String) -> UpdateError {
    UpdateError(
      .downloadTooLarge, "\(wanted.name) has \(wanted.sizeBytes) bytes as announced, but \(found)")
  }
}

private func shortAddress(_ url: String) -> String {
  String(url.prefix(200))
}
