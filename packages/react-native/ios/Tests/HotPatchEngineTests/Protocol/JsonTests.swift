import XCTest

@testable import HotPatchEngine

/// vectors/json.json: what JSON is, and how it is written.
final class JsonTests: XCTestCase {
  func testRead() throws {
    try VectorFile("json").json.each("read") { each in
      let (text, written) = (try each.text("text"), try each.text("written"))
      if try hasHalfACharacter(each) {
        XCTAssertThrowsError(try readJson(text), "\(each): no text of Swift has half a character")
        return
      }
      let value = try readJson(text)
      if try each["isNumber"].map({ try readBoolean($0.value, $0.place) }) ?? false {
        XCTAssertEqual(value, try readJson(written), "\(each)")
      } else {
        XCTAssertTrue(isSameText(writeJson(value), written), "\(each): \(writeJson(value))")
      }
      XCTAssertEqual(jsonFromUtf8(utf8FromText(text)), value, "\(each)")
    }
  }

  func testRefused() throws {
    let vectors = try VectorFile("json").json
    try vectors.each("refused") { each in
      let text = try each.text("text")
      XCTAssertThrowsError(try readJson(text), "\(each)") { XCTAssertTrue($0 is UnexpectedJsonError, "\($0)") }
      XCTAssertNil(jsonFromUtf8(utf8FromText(text)), "\(each)")
    }
    try vectors.each("notUtf8") { XCTAssertNil(jsonFromUtf8(try $0.base64("base64")), "\($0)") }
  }

  /// Read or refused, but no end of the process.
  func testDeep() throws {
    try VectorFile("json").json.each("deep") { each in
      let times = try each.number("times")
      let open = String(repeating: try each.text("open"), count: times)
      XCTAssertThrowsError(try readJson(open + "1" + String(repeating: try each.text("close"), count: times)))
    }
  }
}

/// An escape of a surrogate that has no other half behind or before it.
func hasHalfACharacter(_ each: Vector) throws -> Bool {
  let text = Array(try each.text("text").utf16)
  var (at, isHalf) = (0, false)
  while at + 5 < text.count {
    guard text[at] == 0x5c, text[at + 1] == 0x75 else {
      at += text[at] == 0x5c ? 2 : 1
      continue
    }
    let digits = String(decoding: text[at + 2..<at + 6], as: UTF16.self)
    let unit = UInt32(digits, radix: 16) ?? 0
    if (0xd800...0xdbff).contains(unit), at + 11 < text.count, text[at + 6] == 0x5c, text[at + 7] == 0x75,
      let low = UInt32(String(decoding: text[at + 8..<at + 12], as: UTF16.self), radix: 16),
      (0xdc00...0xdfff).contains(low)
    {
      at += 12
      continue
    }
    isHalf = isHalf || (0xd800...0xdfff).contains(unit)
    at += 6
  }
  return isHalf
}
