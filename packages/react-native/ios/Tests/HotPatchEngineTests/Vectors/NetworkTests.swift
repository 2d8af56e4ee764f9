import XCTest

@testable import HotPatchEngine

/// What comes from the network as text: vectors/engine/network.json.
final class NetworkTests: XCTestCase {
  func testAddressesAreAllowedAsInEveryLanguage() throws {
    for each in try VectorFile("engine/network").json.get("addresses").items {
      let url = try each.text("url")
      XCTAssertEqual(isAllowedAddress(url, .never), try each.boolean("never"), each.place)
      XCTAssertEqual(isAllowedAddress(url, .loopback), try each.boolean("loopback"), each.place)
      XCTAssertEqual(isAllowedAddress(url, .anywhere), try each.boolean("anywhere"), each.place)
    }
  }

  func testRedirectsLeadToTheSamePlace() throws {
    for each in try VectorFile("engine/network").json.get("locations").items {
      let location = try each["location"].map { _ in try each.text("location") }
      let expected = try each["leadsTo"].map { _ in try each.text("leadsTo") }
      XCTAssertEqual(resolveLocation(try each.text("from"), location), expected, each.place)
    }
  }

  func testAServerThatAsksForPatienceGetsIt() throws {
    let waits = try VectorFile("engine/network").json.get("retryAfter")
    let (now, maxMs) = (try waits.number("now"), Double(try waits.number("maxMs")))
    for each in try waits.get("cases").items {
      var headers: [String: String] = [:]
      for (name, value) in try each.get("headers").fields { headers[name] = try readString(value.value, value.place) }
      let expected = try each["ms"].map { _ in Double(try each.number("ms")) }
      XCTAssertEqual(retryAfter(headers, now: now, maxMs: maxMs), expected, each.place)
    }
  }

  func testBase64IsReadStrictly() throws {
    for each in try VectorFile("engine/network").json.get("base64").items {
      let expected = try each["hex"].map { _ in try each.text("hex") }
      XCTAssertEqual(bytesFromBase64(try each.text("text")).map(hexFromBytes), expected, each.place)
    }
  }
}
