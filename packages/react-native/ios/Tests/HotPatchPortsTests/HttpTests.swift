import Foundation
import HotPatchEngine
import HotPatchPorts
import XCTest

/// Against scripts/native-tests/swift/odd-server.ts.
final class HttpTests: XCTestCase {
  private let http = UrlSessionHttp()
  /// Long enough for whatever comes.
  private let patience = 60_000.0

  private func open(_ path: String, _ method: HttpRequest.Method = .get, body: String? = nil) throws -> HttpExchange {
    guard let url = ProcessInfo.processInfo.environment["HOTPATCH_ODD_SERVER"] else {
      throw XCTSkip("npm run test:swift starts the server that this asks")
    }
    return http.open(HttpRequest(method: method, url: url + path, headers: ["x-own": "1"], body: body))
  }

  private func bodyOf(_ exchange: HttpExchange) throws -> String {
    var bytes: [UInt8] = []
    while let piece = try exchange.next(withinMs: patience) { bytes += piece }
    return String(decoding: bytes, as: UTF8.self)
  }

  func testARedirectIsAnAnswer() throws {
    let exchange = try open("/redirect")
    let response = try exchange.response(withinMs: patience)
    XCTAssertEqual(response.status, 302)
    XCTAssertEqual(response.headers["location"], "/target")
  }

  func testNothingIsDecoded() throws {
    let exchange = try open("/packed")
    XCTAssertEqual(try exchange.response(withinMs: patience).status, 200)
    XCTAssertEqual(try bodyOf(exchange), "as it is")
  }

  func testNoCookieIsKept() throws {
    for _ in 0..<2 {
      let exchange = try open("/cookie")
      _ = try exchange.response(withinMs: patience)
      XCTAssertEqual(try bodyOf(exchange), "none")
    }
  }

  func testABodyIsSentAsUtf8() throws {
    let exchange = try open("/echo", .post, body: "{\"größe\":1}")
    let response = try exchange.response(withinMs: patience)
    XCTAssertEqual(response.status, 201)
    XCTAssertEqual(response.headers["x-method"], "POST")
    XCTAssertEqual(try bodyOf(exchange), "{\"größe\":1}")
  }

  func testALongAnswerComesInPieces() throws {
    let exchange = try open("/long")
    _ = try exchange.response(withinMs: patience)
    var (bytes, pieces) = (0, 0)
    while let piece = try exchange.next(withinMs: patience) { (bytes, pieces) = (bytes + piece.count, pieces + 1) }
    XCTAssertEqual(bytes, 8 * 1024 * 1024)
    XCTAssertGreaterThan(pieces, 1)
  }

  func testSilenceEndsInTime() throws {
    let silent = try open("/silent")
    XCTAssertThrowsError(try silent.response(withinMs: 50)) { XCTAssertTrue($0 is TookTooLongError, "\($0)") }
    silent.abort()
    let stops = try open("/stops")
    _ = try stops.response(withinMs: patience)
    XCTAssertEqual(try stops.next(withinMs: patience), Array("the first bytes".utf8))
    XCTAssertThrowsError(try stops.next(withinMs: 50)) { XCTAssertTrue($0 is TookTooLongError, "\($0)") }
    stops.abort()
  }

  func testWhatBreaksOffIsNoEnd() throws {
    let exchange = try open("/breaks")
    XCTAssertThrowsError(try bodyOf(exchange))
  }

  func testWhoWaitsHearsOfAnAbort() throws {
    let exchange = try open("/silent")
    let ended = expectation(description: "the wait is over")
    Thread.detachNewThread {
      do {
        _ = try exchange.response(withinMs: 60_000)
        XCTFail("nothing was to come")
      } catch {
        XCTAssertFalse(error is TookTooLongError, "\(error)")
      }
      ended.fulfill()
    }
    exchange.abort()
    wait(for: [ended], timeout: 60)
  }

  func testWhereNobodyIs() throws {
    for url in ["http://127.0.0.1:1/", "", "http://[", "no address"] {
      let exchange = http.open(HttpRequest(method: .get, url: url, headers: [:]))
      XCTAssertThrowsError(try exchange.response(withinMs: patience), url) {
        XCTAssertFalse($0 is TookTooLongError, "\(url): \($0)")
      }
    }
  }
}
