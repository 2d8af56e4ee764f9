import XCTest

@testable import HotPatchEngine

/// vectors/problems/sdk-codes.json.
final class SdkCodeTests: XCTestCase {
  func testCodes() throws {
    let vectors = try VectorFile("problems/sdk-codes").json
    var seen: [String] = []
    try vectors.each("codes") { each in
      let code = try XCTUnwrap(SdkCode(rawValue: try each.text("code")), "\(each)")
      XCTAssertEqual(code.isRetryable, try each.boolean("isRetryable"), code.rawValue)
      XCTAssertEqual(code.blamesRelease, try each.boolean("blamesRelease"), code.rawValue)
      seen.append(code.rawValue)
    }
    XCTAssertEqual(seen.sorted(), SdkCode.allCases.map(\.rawValue).sorted())
  }
}
