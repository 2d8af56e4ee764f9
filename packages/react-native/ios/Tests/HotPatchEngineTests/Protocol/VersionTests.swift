import XCTest

@testable import HotPatchEngine

/// vectors/versions.json, of which devices compare the native ones, and vectors/native-ranges.json.
final class VersionTests: XCTestCase {
  func testVersions() throws {
    let vectors = try VectorFile("versions").json
    for (kind, parse) in [("native", parseNativeVersion), ("binary", parseBinaryVersion)] {
      let compare = { (a: String, b: String) throws -> Int in
        let left = try XCTUnwrap(parse(a), a)
        return compareNativeVersions(left, try XCTUnwrap(parse(b), b)).signum()
      }
      let own = try vectors.get(kind)
      try own.each("chains") { chain in
        let versions = try chain.get("versions").texts
        for (index, a) in versions.enumerated() {
          XCTAssertEqual(try compare(a, a), 0, a)
          for b in versions[(index + 1)...] {
            XCTAssertEqual(try compare(a, b), -1, "\(a) is below \(b)")
            XCTAssertEqual(try compare(b, a), 1, "\(b) is above \(a)")
          }
        }
      }
      try own.each("equal") { equal in
        let versions = try equal.get("versions").texts
        for a in versions { for b in versions { XCTAssertEqual(try compare(a, b), 0, "\(a) and \(b)") } }
      }
      try own.each("invalid") { XCTAssertNil(parse(try $0.text("text")), "\($0)") }
    }
  }

  func testNativeRanges() throws {
    let vectors = try VectorFile("native-ranges").json
    try vectors.each("ranges") { each in
      let range = try XCTUnwrap(parseNativeRange(try each.text("range")), "\(each)")
      let isInside = { (version: String) in isInNativeRange(try XCTUnwrap(parseNativeVersion(version)), range) }
      for version in try each.get("inside").texts { XCTAssertTrue(try isInside(version), "\(version): \(each)") }
      for version in try each.get("outside").texts { XCTAssertFalse(try isInside(version), "\(version): \(each)") }
    }
    try vectors.each("invalid") { XCTAssertNil(parseNativeRange(try $0.text("text")), "\($0)") }
  }

  func testLooksAlikeIsNoVersion() {
    // A mark on a character is a part of it for Swift, and none of the protocol.
    for text in ["v\u{301}1.0", "1.0\u{301}", "1.\u{301}0", "1.0-a\u{301}", "１.0"] {
      XCTAssertNil(parseNativeVersion(text), text)
      XCTAssertNil(parseNativeRange(">=\(text)"), text)
    }
  }
}
