import Foundation

struct SmallAnswer {
  var status: Int
  var headers: [String: String]
  var body: [UInt8]
}

struct AnswerTooLongError: Error, CustomStringConvertible {
  let description: String
}

/// One request whose answer is read whole: never more than `maxBytes`, never longer than `timeoutMs`.
func exchangeSmall(
  http: HttpPort, clock: ClockPort, _ request: HttpRequest, maxBytes: Int, timeoutMs: Double
) throws -> SmallAnswer {
  let exchange = http.open(request)
  defer { exchange.abort() }
  let end = clock.elapsed() + timeoutMs
  func left() throws -> Double {
    let ms = end - clock.elapsed()
    if ms <= 0 { throw TookTooLongError("the answer took more than \(Int(timeoutMs)) ms") }
    return ms
  }
  let response = try exchange.response(withinMs: left())
  var body: [UInt8] = []
  while let piece = try exchange.next(withinMs: left()) {
    if body.count + piece.count > maxBytes {
      throw AnswerTooLongError(description: "the answer is longer than \(maxBytes) bytes")
    }
    body += piece
  }
  return SmallAnswer(status: response.status, headers: response.headers, body: body)
}

/// Milliseconds, from seconds or an HTTP date; bounded, and nil when absent or unreadable. A date is the server's, and so
/// is compared with the server's own time, where it tells that.
func retryAfter(_ headers: [String: String], now: Int, maxMs: Double) -> Double? {
  guard let text = headers["retry-after"] else { return nil }
  let isSeconds = (1...10).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  if isSeconds, let seconds = Double(text) { return min(max(seconds * 1000, 0), maxMs) }
  guard let date = millisecondsFromHttpDate(text) else { return nil }
  let told = headers["date"].flatMap(millisecondsFromHttpDate) ?? Double(now)
  return min(max(date - told, 0), maxMs)
}

/// RFC 9110 §5.6.7, the form that is sent today. Nil for every other way to write a time.
func millisecondsFromHttpDate(_ text: String) -> Double? {
  // Formatters of some systems end the process at other texts.
  guard text.utf8.count == 29, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
  let format = DateFormatter()
  format.locale = Locale(identifier: "en_US_POSIX")
  format.timeZone = TimeZone(identifier: "GMT")
  format.isLenient = false
  format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
  // Written again it has to be the same: what is read beside the form differs with systems.
  guard let date = format.date(from: text), isSameText(format.string(from: date), text) else { return nil }
  return date.timeIntervalSince1970 * 1000
}

/// Full jitter, so that a fleet that failed together does not come back together.
func backOff(_ clock: ClockPort, _ attempt: Int, _ limits: Limits) -> Double {
  var longest = limits.backOffMs
  for _ in 0..<attempt where longest < limits.backOffMaxMs { longest *= 2 }
  return clock.random() * min(limits.backOffMaxMs, longest)
}
